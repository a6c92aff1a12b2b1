"""What an operator sees and does: settings, health, the command line, migrations."""

import nexus_notifications.plugin
import pytest
from click.testing import CliRunner
from nexus_notifications.commands import notifications
from nexus_notifications.config import NotificationsConfig
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from nexus_kernel import StartupError, create_app, migrations, transaction
from nexus_kernel.contracts.notifications import Undeliverable
from nexus_kernel.hookspecs import hookimpl
from nexus_kernel.manifest import Manifest
from nexus_kernel.testing import drain
from nexus_kernel.testing.fixtures import SECRET_KEY, make_app
from nexus_kernel.testing.helpers import RecordingDispatcher


@pytest.fixture
def run(app):
    def run(*arguments: str):
        with app.app_context():
            return CliRunner().invoke(notifications, arguments)

    return run


@pytest.fixture
def dead(shop, mail_server):
    mail_server.answer_rcpt = "550 no such user"
    shop.happen(shop.activated(), shop.activated())
    mail_server.answer_rcpt = "250 OK"
    return shop.mails()


def health(client):
    return client.get("/readyz").json["checks"]["notifications.dead_mails"]


def test_dead_mails_are_seen_without_taking_the_shop_out_of_service(client, mail_server, dead):
    assert client.get("/readyz").status_code == 200
    assert health(client).startswith("2 mails could not be delivered")


def test_health_is_well_without_dead_mails(shop, client, mail_server):
    shop.happen(shop.activated())
    assert health(client) == "ok"


def test_mails_are_listed_by_state_without_their_secrets(run, shop, dead):
    shop.happen(shop.activated(email="fine@example.com"))
    everything, only_dead = run("mails").output, run("mails", "--state", "dead").output
    assert "fine@example.com" in everything and "fine@example.com" not in only_dead
    assert str(dead[0].id) in only_dead and "550 no such user" in only_dead
    assert run("mails", "--state", "queued").output == "No mails.\n"


def test_one_dead_mail_is_sent_again(run, shop, app, mail_server, dead):
    assert run("retry", str(dead[0].id)).output == "1 queued.\n"
    drain(app)
    assert [mail.state for mail in shop.mails()] == ["sent", "dead"]
    assert mail_server.mails[0]["Message-ID"] == dead[0].message_id


def test_all_dead_mails_are_sent_again(run, shop, app, client, mail_server, dead):
    assert run("retry", "--all-dead").output == "2 queued.\n"
    drain(app)
    assert len(mail_server.mails) == 2 and health(client) == "ok"


def test_a_mail_that_was_sent_is_never_sent_again_by_command(run, shop, mail_server):
    shop.happen(shop.activated())
    answer = run("retry", str(shop.the_mail().id))
    assert answer.exit_code == 1 and "no failed or dead mail" in answer.output


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "nonsense"), ("mails", "--state", "lost")])
def test_a_command_that_makes_no_sense_is_a_usage_error(run, mail_server, arguments):
    assert run(*arguments).exit_code == 2


def test_the_tables_are_those_of_the_models(app, mail_server):
    assert migrations.check(app) == []


def test_the_migration_goes_down_and_up_again(app, mail_server):
    migrations.downgrade(app, "notifications")
    migrations.upgrade(app)
    assert migrations.check(app) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"channels": "email,pigeon"}, "pigeon"),
        ({"lease_seconds": 100}, "15 times"),
        ({"templates_folder": "/nowhere/at/all"}, "is not a folder"),
        ({"from_address": "not an address"}, "from_address"),
        ({"smtp_security": "ssl3"}, "SMTP_SECURITY"),
    ],
)
def test_settings_that_cannot_work_stop_the_start(settings, words):
    kernel = {"environment": "test", "secret_key": SECRET_KEY}
    with pytest.raises(StartupError, match=words):
        create_app({"kernel": kernel, "notifications": settings}, plugins=["notifications"])


def test_production_needs_a_sender():
    kernel = {"environment": "production", "secret_key": SECRET_KEY}
    with pytest.raises(StartupError, match="NEXUS_NOTIFICATIONS__FROM_ADDRESS"):
        create_app({"kernel": kernel}, plugins=["notifications"])


@pytest.mark.parametrize(
    ("host", "transport"),
    [("127.0.0.1", "none"), ("::1", "none"), ("localhost", "none"), ("smtp.example.com", "starttls")],
)
def test_only_this_machine_is_spoken_to_in_clear(host, transport):
    assert NotificationsConfig(smtp_host=host).transport == transport


class PigeonPlugin:
    """A channel of another plugin."""

    MANIFEST = Manifest(name="pigeon", summary="Pigeons")
    code = "pigeon"

    def __init__(self) -> None:
        self.carried: list[str] = []
        self.fault: Exception | None = None

    def deliver(self, message) -> None:
        if self.fault:
            raise self.fault
        self.carried.append(f"{message.recipient}: {message.subject}")

    @hookimpl
    def nexus_notification_channels(self):
        return [self]


def test_a_channel_of_another_plugin_gets_every_message_and_fails_alone(
    nexus_engines, database_url, nexus_config, mail_server, shop_of
):
    pigeon = PigeonPlugin()
    nexus_config["notifications"]["channels"] = "email,pigeon"
    app = make_app(nexus_engines, database_url, [nexus_notifications.plugin, pigeon], nexus_config)
    app.extensions["nexus"].dispatcher = RecordingDispatcher()
    shop = shop_of(app)
    shop.happen(shop.activated())
    pigeon.fault = Undeliverable("a hawk")
    shop.happen(shop.activated())
    assert pigeon.carried == ["new@example.com: Welcome to Gift shop, Abebe Bikila"]
    assert len(mail_server.mails) == 2
    assert sorted((m.channel, m.state) for m in shop.mails()) == [
        ("email", "sent"),
        ("email", "sent"),
        ("pigeon", "dead"),
        ("pigeon", "sent"),
    ]
    app.extensions["nexus"].db.close()


@pytest.mark.parametrize(
    "change",
    ["state = 'lost'", "state = 'sent'", "attempts = -1", "recipient = E'a@b.example\\nBcc: c@d.example'"],
)
def test_the_database_refuses_a_mail_that_cannot_be(shop, app, mail_server, change):
    shop.happen(shop.activated(email="not an address"))
    with pytest.raises(IntegrityError), app.app_context(), transaction() as session:
        session.execute(text(f"UPDATE notifications_email_task SET {change}"))
