"""The relay: due deliveries to their handlers, one transaction each."""

import logging
import random
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, exists, func, select, update
from sqlalchemy.orm import Session

from nexus_kernel.context import restored_trace_id, set_trace_id
from nexus_kernel.contracts.events import Delivery as Handover
from nexus_kernel.db import connection_lost, current_unit
from nexus_kernel.events import Subscription, decode
from nexus_kernel.outbox.models import Delivery, OutboxEvent
from nexus_kernel.outbox.store import RELAY
from nexus_kernel.tasks import Periodic, task

log = logging.getLogger("nexus.outbox")

MAX_ATTEMPTS = 12
BATCH = 500


def deliver_due(limit: int = BATCH) -> int:
    """Deliver up to `limit` due deliveries, oldest first, and return how many were tried.

    The handler's writes, the mark that it is done and what it publishes are one transaction. A row that
    another worker holds is passed over, so relays run side by side.
    """
    tried = 0
    while tried < limit and _deliver_one():
        tried += 1
    return tried


@task(RELAY)
def relay() -> None:
    """Run until nothing is due."""
    while deliver_due() == BATCH:
        log.info("relayed %d deliveries", BATCH)


@task("nexus.outbox_sweep")
def sweep() -> None:
    """Deliver what a lost message, a retry's back-off or a crash has left over."""
    relay.function()


@task("nexus.outbox_prune")
def prune() -> None:
    """Delete events older than the retention whose deliveries are all done."""
    nexus = current_app.extensions["nexus"]
    horizon = func.now() - timedelta(days=nexus.config.outbox_retention_days)
    unfinished = exists().where(Delivery.event_id == OutboxEvent.id, Delivery.done_at.is_(None))
    with nexus.db.transaction() as session:
        session.execute(delete(OutboxEvent).where(OutboxEvent.created_at < horizon, ~unfinished))


TASKS = (relay, sweep, prune)
PERIODICS = (Periodic(sweep, 2.0), Periodic(prune, 3600.0))


def is_due() -> ColumnElement[bool]:
    """True for a delivery that is open and whose time has come."""
    return and_(
        Delivery.done_at.is_(None),
        Delivery.dead_at.is_(None),
        Delivery.available_at <= func.clock_timestamp(),
    )


def _deliver_one() -> bool:
    nexus = current_app.extensions["nexus"]
    taken: list[tuple[Any, str, int]] = []
    with restored_trace_id():
        try:
            return _deliver_in_one_transaction(taken)
        except Exception as error:
            if connection_lost(error) or not taken:
                raise
            # It failed at the commit or as its events were written: without a note it stays first for ever.
            with nexus.db.transaction() as session:
                _failed(session, *taken[0], error)
            return True


def _deliver_in_one_transaction(taken: list[tuple[Any, str, int]]) -> bool:
    nexus = current_app.extensions["nexus"]
    with nexus.db.transaction() as session:
        row = session.execute(
            select(Delivery.id, Delivery.subscription, Delivery.attempts, OutboxEvent)
            .join(OutboxEvent, OutboxEvent.id == Delivery.event_id)
            .where(is_due(), Delivery.subscription.in_(list(nexus.subscriptions.by_name)))
            .order_by(Delivery.available_at, Delivery.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=Delivery)
        ).first()
        if row is None:
            return False
        delivery_id, name, attempts, event = row
        taken.append((delivery_id, name, attempts + 1))
        set_trace_id(
            event.trace_id
        )  # until the commit, so that it reaches the handler's own events and tasks
        try:
            with session.begin_nested():
                _handle(nexus.subscriptions.by_name[name], event, attempts + 1)
                session.flush()
        except Exception as error:
            if connection_lost(error):
                raise
            current_unit().events.clear()
            current_unit().after_commit.clear()
            _failed(session, delivery_id, name, attempts + 1, error)
        else:
            session.execute(
                update(Delivery)
                .where(Delivery.id == delivery_id)
                .values(done_at=func.clock_timestamp(), attempts=attempts + 1, error=None)
            )
    return True


def _handle(subscription: Subscription, event: OutboxEvent, attempt: int) -> None:
    delivery = Handover(
        event_id=event.id,
        subscription=subscription.name,
        attempt=attempt,
        occurred_at=event.created_at,
        actor_id=event.actor_id,
        trace_id=event.trace_id,
    )
    subscription.handler(decode(subscription.event, event.payload), delivery)


def _failed(session: Session, delivery_id: Any, name: str, attempts: int, error: Exception) -> None:
    dead = attempts >= MAX_ATTEMPTS
    log.warning(
        "%s failed (attempt %d of %d)%s",
        name,
        attempts,
        MAX_ATTEMPTS,
        ": dead" if dead else "",
        exc_info=error,
    )
    values: dict[str, Any] = {"attempts": attempts, "error": _storable(f"{type(error).__name__}: {error}")}
    if dead:
        values["dead_at"] = func.clock_timestamp()
    else:
        values["available_at"] = func.clock_timestamp() + timedelta(seconds=backoff(attempts))
    session.execute(update(Delivery).where(Delivery.id == delivery_id).values(**values))


def _storable(message: str) -> str:
    """The message without what PostgreSQL cannot store: the NUL character and lone surrogates."""
    return message[:2000].replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def backoff(attempts: int) -> float:
    """Seconds until the next attempt: 1, 2, 4 ... at most 3600, with a jitter of half."""
    return min(3600.0, 2.0 ** (attempts - 1)) * random.uniform(0.5, 1.0)
