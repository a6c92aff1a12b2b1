"""Sending: once an event, by many workers, with servers that are down, slow or unwilling."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from nexus_notifications.services import Mails
from nexus_notifications.services.mails import LONGEST_PAUSE, pause_after
from nexus_notifications.tasks import send_due, send_mail
from sqlalchemy import text

from nexus_kernel import reading, transaction
from nexus_kernel.outbox import deliver_due
from nexus_kernel.testing import count_queries, drain, in_threads


def test_an_event_that_is_delivered_twice_brings_one_mail(shop, mail_server):
    shop.happen(shop.activated(), shop.order_placed(shop.person()))
    shop.deliver_again()
    shop.time_passes()
    assert len(mail_server.mails) == 2 and len(shop.mails()) == 2


def test_two_events_of_one_kind_bring_two_mails(shop, mail_server):
    shop.happen(shop.activated(), shop.activated())
    assert len(mail_server.mails) == 2


def test_eight_relays_and_eight_workers_at_once_send_each_mail_once(shop, mail_server, app):
    addresses = [f"p{n:02}@example.com" for n in range(12)]
    shop.publish(*(shop.activated(email=address) for address in addresses))
    mail_server.on_data = lambda envelope: time.sleep(0.05)

    def relay() -> None:
        with app.app_context():
            deliver_due()

    def work() -> None:
        with app.app_context():
            for mail_id in ids:
                send_mail.function(mail_id)
            send_due.function()

    in_threads([relay] * 8)
    ids = [str(mail.id) for mail in shop.mails()]
    assert mail_server.mails == [] and len(ids) == 12
    in_threads([work] * 8)
    shop.time_passes()
    assert sorted(envelope.rcpt_tos[0] for envelope in mail_server.accepted) == addresses
    assert {mail.attempts for mail in shop.mails()} == {1}


def test_nothing_is_sent_while_the_event_is_being_published_or_delivered(shop, mail_server, app):
    shop.publish(shop.activated())
    with app.app_context():
        deliver_due()
    assert mail_server.mails == [] and shop.the_mail().state == "queued"
    drain(app)
    assert len(mail_server.mails) == 1


def test_a_message_that_the_broker_lost_is_made_up_for_by_the_sweep(shop, mail_server, app):
    shop.publish(shop.activated())
    with app.app_context():
        deliver_due()
    app.extensions["nexus"].dispatcher.sent.clear()
    shop.sweep()
    assert len(mail_server.mails) == 1


def test_with_the_mail_server_down_a_mail_waits_and_arrives_later(shop, mail_server):
    mail_server.stop()
    shop.happen(shop.activated())
    mail = shop.the_mail()
    assert (mail.state, mail.attempts) == ("failed", 1) and "ConnectionRefused" in mail.last_error
    shop.sweep()
    assert shop.the_mail().attempts == 1, "not before its pause is over"
    mail_server.start()
    shop.time_passes()
    sent = shop.the_mail()
    assert (sent.state, sent.attempts, sent.last_error) == ("sent", 2, None) and sent.sent_at
    assert mail_server.mails[0]["Message-ID"] == mail.message_id


def test_a_sweep_ends_at_the_first_sign_that_the_server_is_down(shop, mail_server):
    mail_server.stop()
    shop.happen(shop.activated(), shop.activated(), shop.activated())
    shop.time_passes()
    assert sorted(mail.attempts for mail in shop.mails()) == [1, 1, 2]


def test_a_mailbox_that_is_refused_does_not_hold_up_the_others(shop, mail_server):
    mail_server.stop()
    shop.happen(shop.activated(email="no one@example.com"), shop.activated(email="one@example.com"))
    mail_server.start()
    shop.time_passes()
    assert sorted(mail.state for mail in shop.mails()) == ["dead", "sent"]


def test_a_recipient_who_does_not_exist_is_dead_at_once(shop, mail_server):
    mail_server.answer_rcpt = "550 5.1.1 no such user"
    shop.happen(shop.activated())
    mail = shop.the_mail()
    assert (mail.state, mail.attempts) == ("dead", 1) and "550 5.1.1 no such user" in mail.last_error


@pytest.mark.parametrize("answer", ["450 mailbox busy", "421 try later"])
def test_a_temporary_refusal_is_tried_again(shop, mail_server, answer):
    mail_server.answer_rcpt = answer
    shop.happen(shop.activated())
    assert shop.the_mail().state == "failed"
    mail_server.answer_rcpt = "250 OK"
    shop.time_passes()
    assert shop.the_mail().state == "sent"


def test_a_message_refused_for_good_is_dead_and_one_refused_for_now_waits(shop, mail_server):
    mail_server.on_data = lambda envelope: "554 looks like spam"
    shop.happen(shop.activated())
    mail_server.on_data = lambda envelope: "451 greylisted"
    shop.happen(shop.activated())
    assert [mail.state for mail in shop.mails()] == ["dead", "failed"]


class TestWithFewAttempts:
    @pytest.fixture
    def notifications_config(self, notifications_config):
        return {**notifications_config, "max_attempts": 2}

    def test_the_last_failure_makes_it_dead(self, shop, mail_server):
        mail_server.stop()
        shop.happen(shop.activated())
        shop.time_passes()
        shop.time_passes()
        assert (shop.the_mail().state, shop.the_mail().attempts) == ("dead", 2)

    def test_a_mail_whose_workers_always_vanish_is_dead_in_the_end(self, shop, mail_server, app):
        mail_server.stop()
        shop.happen(shop.activated())
        with app.app_context(), transaction() as session:
            session.execute(text("UPDATE notifications_email_task SET attempts = 2"))
        mail_server.start()
        shop.time_passes()
        assert shop.the_mail().state == "dead" and mail_server.mails == []


class TestASlowServer:
    @pytest.fixture
    def notifications_config(self, notifications_config):
        return {**notifications_config, "smtp_timeout_seconds": 1, "max_in_flight": 2}

    def test_a_silent_server_costs_a_time_out_and_no_more(self, shop, mail_server):
        mail_server.stop()
        with socket.create_server(("127.0.0.1", mail_server.port)):
            started = time.monotonic()
            shop.happen(shop.activated())
            assert time.monotonic() - started < 10
        assert shop.the_mail().state == "failed" and "timed out" in shop.the_mail().last_error

    def test_it_never_takes_more_workers_than_allowed_and_no_transaction_is_open(
        self, shop, mail_server, app
    ):
        let_go, busy = threading.Event(), threading.Semaphore(0)

        def wait(envelope) -> None:
            busy.release()
            let_go.wait(0.9)

        mail_server.on_data = wait
        shop.publish(*(shop.activated() for _ in range(4)))
        with app.app_context():
            deliver_due()
        ids = [str(mail.id) for mail in shop.mails()]

        def work(mail_id: str) -> None:
            with app.app_context():
                send_mail.function(mail_id)

        workers = [threading.Thread(target=work, args=(mail_id,)) for mail_id in ids[:2]]
        for worker in workers:
            worker.start()
        assert busy.acquire(timeout=5) and busy.acquire(timeout=5)
        work(ids[2])
        with app.app_context(), transaction() as session:
            open_now = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            idle = session.execute(text(f"{open_now} AND state = 'idle in transaction'")).scalar_one()
        assert idle == 0 and sum(mail.claim is not None for mail in shop.mails()) == 2
        let_go.set()
        for worker in workers:
            worker.join()
        shop.sweep()
        assert {mail.state for mail in shop.mails()} == {"sent"} and len(mail_server.mails) == 4


def test_a_server_that_hangs_up_after_accepting_gets_no_second_copy(shop, mail_server, monkeypatch):
    async def hang_up(server, session, envelope) -> str:
        server.transport.abort()
        return "221 bye"

    mail_server.handle_QUIT = hang_up
    shop.happen(shop.activated())
    shop.time_passes()
    assert shop.the_mail().state == "sent" and len(mail_server.mails) == 1


_WORKER = """
import sys
import nexus_notifications.plugin
from nexus_kernel import create_app
from nexus_notifications.tasks import send_due

_, database, redis, port = sys.argv
kernel = {"environment": "test", "secret_key": "only-for-tests-" + "0" * 32}
app = create_app(
    {
        "kernel": {**kernel, "database_url": database, "redis_url": redis},
        "notifications": {"smtp_port": port},
    },
    plugins=[nexus_notifications.plugin],
)
with app.app_context():
    send_due.function()
"""


def test_the_mail_of_a_killed_worker_is_sent_once_when_its_lease_ends(
    shop, mail_server, app, database_url, nexus_engines
):
    shop.publish(shop.activated())
    with app.app_context():
        deliver_due()
    reached, dead = threading.Event(), threading.Event()

    def stall(envelope) -> str | None:
        reached.set()
        return "451 nobody waits for this answer" if dead.wait(30) else None

    mail_server.on_data = stall
    command = [sys.executable, "-c", _WORKER, database_url, nexus_engines.redis_url, str(mail_server.port)]
    worker = subprocess.Popen(command)
    assert reached.wait(30)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    dead.set()
    mail_server.on_data = lambda envelope: None
    shop.sweep()
    assert mail_server.mails == [] and shop.the_mail().state == "queued", "its lease still holds"
    shop.time_passes()
    assert len(mail_server.mails) == 1 and (shop.the_mail().state, shop.the_mail().attempts) == ("sent", 2)


def test_a_worker_that_comes_back_after_its_lease_cannot_spoil_what_was_sent(shop, mail_server, app):
    mail_server.stop()
    shop.happen(shop.activated())
    mail_server.start()
    with app.app_context(), transaction() as session:
        session.execute(text("UPDATE notifications_email_task SET next_attempt_at = clock_timestamp()"))
    with app.app_context(), reading() as session:
        late = Mails(session).claim(shop.the_mail().id, lease=60, slots=5)
    shop.time_passes()
    with app.app_context(), reading() as session:
        Mails(session).mark_failed(late, "too late", pause=1.0)
    assert shop.the_mail().state == "sent" and shop.the_mail().last_error is None


def test_pauses_double_up_to_an_hour_and_never_agree(shop):
    assert 2.5 <= pause_after(1, 5.0) <= 5.0
    assert 20.0 <= pause_after(4, 5.0) <= 40.0
    assert LONGEST_PAUSE / 2 <= pause_after(500, 5.0) <= LONGEST_PAUSE
    assert len({pause_after(3, 5.0) for _ in range(20)}) > 1


def test_a_mail_costs_two_statements_and_no_transaction(shop, mail_server, app):
    shop.publish(shop.activated())
    with app.app_context():
        deliver_due()
    mail_id = str(shop.the_mail().id)
    with count_queries(app) as queries, app.app_context():
        send_mail.function(mail_id)
    assert len(queries) == 2, str(queries)
