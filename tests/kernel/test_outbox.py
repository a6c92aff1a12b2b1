"""The outbox: at least once, once an effect, and nobody waits for anybody else."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from nexus_kernel import Manifest, Subscription, create_app, current_session, hookimpl, publish, transaction
from nexus_kernel.contracts.events import Delivery, Event
from nexus_kernel.money import Money
from nexus_kernel.outbox import Delivery as Row
from nexus_kernel.outbox import OutboxEvent, deliver_due, sweep
from nexus_kernel.outbox.store import SLICE
from nexus_kernel.testing import drain, in_threads


@dataclass(frozen=True, kw_only=True)
class Rang(Event):
    name: ClassVar[str] = "bell.rang"
    times: int
    fee: Money


class BellPlugin:
    """Publishes `bell.rang` and has two subscribers, of which one can be broken."""

    MANIFEST = Manifest(name="bell", summary="Rings")

    def __init__(self) -> None:
        self.heard: list[tuple[Rang, Delivery]] = []
        self.broken = False

    def hear(self, event: Rang, delivery: Delivery) -> None:
        self.heard.append((event, delivery))

    def fail_when_broken(self, event: Rang, delivery: Delivery) -> None:
        current_session().execute(
            update(OutboxEvent).where(OutboxEvent.id == delivery.event_id).values(trace_id="touched")
        )
        if self.broken:
            raise ValueError("the bell is broken")

    @hookimpl
    def nexus_subscriptions(self):
        return [
            Subscription(Rang, self.hear, "bell.hear"),
            Subscription(Rang, self.fail_when_broken, "bell.fragile"),
        ]


@pytest.fixture(scope="session")
def bell() -> BellPlugin:
    return BellPlugin()


@pytest.fixture(scope="session")
def nexus_plugins(bell: BellPlugin):
    return [bell]


@pytest.fixture(autouse=True)
def _silent(bell: BellPlugin) -> None:
    bell.heard.clear()
    bell.broken = False


def ring(app: Flask, times: int = 1) -> None:
    with app.app_context(), transaction():
        publish(Rang(times=times, fee=Money(5, "ETB")))


def rows(app: Flask) -> dict[str, Row]:
    with app.app_context(), transaction() as session:
        return {row.subscription: row for row in session.scalars(select(Row))}


def test_an_event_reaches_every_subscriber_with_its_values(app, bell):
    ring(app, times=3)
    drain(app)
    ((event, delivery),) = bell.heard
    assert event == Rang(times=3, fee=Money(5, "ETB"))
    assert (delivery.subscription, delivery.attempt) == ("bell.hear", 1)
    assert all(row.done_at for row in rows(app).values())


def test_a_transaction_publishes_any_number_of_events(app, bell):
    many = SLICE * 2 + 1
    with app.app_context(), transaction():
        for times in range(many):
            publish(Rang(times=times, fee=Money(5, "ETB")))
    with app.app_context(), transaction() as session:
        stored = session.execute(text("SELECT count(DISTINCT (payload->>'times')::int) FROM nexus_outbox"))
        assert stored.scalar_one() == many
        assert session.execute(text("SELECT count(*) FROM nexus_delivery")).scalar_one() == 2 * many
    assert len(app.extensions["nexus"].dispatcher.sent) == 1


def test_a_rolled_back_transaction_publishes_nothing(app, bell):
    with pytest.raises(RuntimeError, match="on purpose"), app.app_context(), transaction():
        publish(Rang(times=1, fee=Money(0, "ETB")))
        raise RuntimeError("on purpose")
    drain(app)
    assert bell.heard == [] and rows(app) == {}


def test_publishing_outside_of_a_transaction_is_refused(app):
    with app.app_context(), pytest.raises(RuntimeError, match="with transaction"):
        publish(Rang(times=1, fee=Money(0, "ETB")))


def test_a_failing_subscriber_neither_delays_nor_undoes_another(app, bell):
    bell.broken = True
    ring(app)
    drain(app)
    state = rows(app)
    assert len(bell.heard) == 1 and state["bell.hear"].done_at
    assert state["bell.fragile"].done_at is None
    assert state["bell.fragile"].attempts == 1 and "the bell is broken" in state["bell.fragile"].error


def test_what_a_failed_handler_wrote_is_rolled_back(app, bell):
    bell.broken = True
    ring(app)
    drain(app)
    with app.app_context(), transaction() as session:
        assert session.scalar(select(OutboxEvent.trace_id)) is None


def test_a_failed_delivery_is_retried_after_its_back_off(app, bell):
    bell.broken = True
    ring(app)
    drain(app)
    bell.broken = False
    drain(app)
    assert rows(app)["bell.fragile"].done_at is None, "it is not due yet"
    with app.app_context(), transaction() as session:
        session.execute(update(Row).values(available_at=text("now() - interval '1 second'")))
    with app.app_context():
        sweep.function()
    row = rows(app)["bell.fragile"]
    assert row.done_at and row.attempts == 2 and row.error is None


def test_after_its_last_attempt_a_delivery_is_dead_and_stays_visible(app, bell):
    bell.broken = True
    ring(app)
    with app.app_context(), transaction() as session:
        session.execute(update(Row).values(attempts=11))
    drain(app)
    row = rows(app)["bell.fragile"]
    assert row.dead_at and row.done_at is None and row.attempts == 12


def test_relays_side_by_side_deliver_each_event_once(app, bell):
    for number in range(40):
        ring(app, times=number)

    def relay() -> int:
        with app.app_context():
            return deliver_due()

    assert sum(in_threads([relay] * 8)) == 80
    assert sorted(event.times for event, _ in bell.heard) == list(range(40))


def test_a_delivery_whose_subscriber_is_not_installed_waits(app, bell, nexus_engines, database_url):
    ring(app)
    other = create_app({"kernel": {"environment": "test", "database_url": database_url}}, plugins=[])
    with other.app_context():
        assert deliver_due() == 0
    other.extensions["nexus"].db.close()
    drain(app)
    assert len(bell.heard) == 1


@pytest.mark.parametrize("poison", ["an error with \0 in it", "a lone \ud800"])
def test_an_error_that_cannot_be_stored_as_it_is_does_not_stop_the_queue(app, bell, poison, monkeypatch):
    # What a test logs travels between the processes of a parallel run, and the lone surrogate cannot.
    monkeypatch.setattr("nexus_kernel.outbox.relay.log.disabled", True)

    def fails(event: Rang, delivery: Delivery) -> None:
        raise ValueError(poison)

    subscription = app.extensions["nexus"].subscriptions.by_name["bell.fragile"]
    object.__setattr__(subscription, "handler", fails)
    ring(app)
    drain(app)
    state = rows(app)
    assert state["bell.fragile"].attempts == 1 and state["bell.fragile"].error.startswith("ValueError: a")
    assert state["bell.hear"].done_at
    object.__setattr__(subscription, "handler", BellPlugin.fail_when_broken.__get__(bell))


def test_a_handler_whose_own_event_cannot_be_stored_is_retried_and_does_not_stop_the_queue(app, bell):
    def publishes(event: Rang, delivery: Delivery) -> None:
        publish(Rang(times=2**70, fee=Money(0, "ETB")))

    subscription = app.extensions["nexus"].subscriptions.by_name["bell.fragile"]
    object.__setattr__(subscription, "handler", publishes)
    try:
        ring(app)
        drain(app)
    finally:
        object.__setattr__(subscription, "handler", BellPlugin.fail_when_broken.__get__(bell))
    state = rows(app)
    assert state["bell.fragile"].attempts == 1 and state["bell.fragile"].done_at is None
    assert state["bell.hear"].done_at
