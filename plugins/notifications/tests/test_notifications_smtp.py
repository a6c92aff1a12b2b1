"""The SMTP conversation: who signs in, and what never crosses the network in clear."""

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


class PasswordServer:
    """Takes mail only from who signs in; remembers who tried."""

    def __init__(self, mail_server) -> None:
        self.seen: list[LoginPassword] = []
        mail_server.stop()
        options = {"authenticator": self.check, "auth_required": True, "auth_require_tls": False}
        self.controller = Controller(mail_server, hostname="127.0.0.1", port=mail_server.port, **options)
        self.controller.start()

    def check(self, server, session, envelope, mechanism, given) -> AuthResult:
        self.seen.append(given)
        right = given == LoginPassword(b"shop", b"correct horse")
        return AuthResult(success=right, handled=right)


@pytest.fixture
def password_server(mail_server):
    server = PasswordServer(mail_server)
    yield server
    server.controller.stop()


class TestWithAPassword:
    @pytest.fixture
    def notifications_config(self, notifications_config):
        return {**notifications_config, "smtp_username": "shop", "smtp_password": "correct horse"}

    def test_the_shop_signs_in(self, shop, mail_server, password_server):
        shop.happen(shop.activated())
        assert shop.the_mail().state == "sent" and len(mail_server.mails) == 1


class TestWithAWrongPassword:
    @pytest.fixture
    def notifications_config(self, notifications_config):
        return {**notifications_config, "smtp_username": "shop", "smtp_password": "s3cret-wrong"}

    def test_mails_wait_for_the_right_one_and_the_password_is_not_written_down(
        self, shop, mail_server, password_server
    ):
        shop.happen(shop.activated())
        mail = shop.the_mail()
        assert mail.state == "failed" and "535" in mail.last_error
        assert "s3cret-wrong" not in mail.last_error and mail_server.mails == []


class TestWithoutTheTLSThatIsAskedFor:
    @pytest.fixture
    def notifications_config(self, notifications_config):
        asked = {"smtp_security": "starttls", "smtp_username": "shop", "smtp_password": "correct horse"}
        return {**notifications_config, **asked}

    def test_neither_password_nor_mail_is_sent(self, shop, mail_server, password_server):
        shop.happen(shop.activated())
        assert shop.the_mail().state == "failed" and "STARTTLS" in shop.the_mail().last_error
        assert password_server.seen == [] and mail_server.mails == []
