"""Mails about passwords and addresses: links for those who asked, notices for those it happens to."""

import pytest

from nexus_kernel import new_id
from nexus_kernel.contracts.accounts import (
    EmailChanged,
    EmailChangeRequested,
    PasswordChanged,
    PasswordResetRequested,
)

ID = new_id()
LINK = {"user_id": ID, "email": "abebe@example.com", "uid": "dWlk", "token": "to.k-en"}
RESET, CHANGE = PasswordResetRequested(**LINK), EmailChangeRequested(**LINK)
NOTICES = [
    PasswordChanged(user_id=ID, email="abebe@example.com"),
    EmailChanged(user_id=ID, old_email="abebe@example.com", email="new@example.com"),
]


def parts(mail) -> list[str]:
    bodies = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    return [" ".join(body.split()) for body in bodies]


@pytest.mark.parametrize(
    ("event", "subject", "link"),
    [
        (RESET, "Choose a new password for Gift shop", "https://shop.example.com/#/password/dWlk/to.k-en"),
        (
            CHANGE,
            "Confirm your new e-mail address for Gift shop",
            "https://shop.example.com/#/email/dWlk/to.k-en",
        ),
    ],
    ids=["reset", "change"],
)
def test_a_link_goes_to_its_address_with_uid_and_token_and_is_forgotten_once_sent(
    shop, mail_server, event, subject, link
):
    shop.happen(event)
    (mail,) = mail_server.mails
    assert mail_server.accepted[0].rcpt_tos == ["abebe@example.com"] and mail["Subject"] == subject
    for part in parts(mail):
        assert link in part and "uid: dWlk" in part and "token: to.k-en" in part
        assert "If it was not you, ignore this mail" in part
    assert "token" not in shop.the_mail().context


@pytest.mark.parametrize("event", NOTICES, ids=["password", "email"])
def test_a_notice_goes_to_the_address_so_far_and_says_what_to_do(shop, mail_server, event):
    shop.happen(event)
    (mail,) = mail_server.mails
    assert mail_server.accepted[0].rcpt_tos == ["abebe@example.com"]
    for part in parts(mail):
        assert "was changed" in mail["Subject"] and "every device was signed out" in part
        assert "If it was not you" in part


def test_the_notice_of_a_new_address_names_it_as_text(shop, mail_server):
    evil = EmailChanged(user_id=ID, old_email="abebe@example.com", email="<b>@evil.example")
    shop.happen(evil)
    text, html = parts(mail_server.mails[0])
    assert "<b>@evil.example" in text and "&lt;b&gt;@evil.example" in html


@pytest.mark.parametrize("event", [RESET, CHANGE, *NOTICES], ids=lambda event: type(event).__name__)
def test_an_event_that_comes_twice_is_mailed_once(shop, mail_server, event):
    shop.happen(event)
    shop.deliver_again()
    assert len(mail_server.mails) == 1


class TestAddressesOfAPageOfOnesOwn:
    @pytest.fixture
    def notifications_config(self, notifications_config):
        return {
            **notifications_config,
            "password_reset_url": "https://app.example.com/reset?u={uid}&t={token}",
        }

    def test_the_link_leads_to_it(self, shop, mail_server):
        shop.happen(RESET)
        assert "https://app.example.com/reset?u=dWlk&t=to.k-en" in parts(mail_server.mails[0])[0]
