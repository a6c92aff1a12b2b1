"""Writing events into the transaction that caused them."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import insert

from nexus_kernel.context import current_actor_id, current_trace_id
from nexus_kernel.contracts.events import Event
from nexus_kernel.db import Unit, new_id
from nexus_kernel.events import encode
from nexus_kernel.outbox.models import Delivery, OutboxEvent

RELAY = "nexus.relay"
SLICE = 500
"""Events a statement: the wire protocol knows at most 65,535 parameters."""


def write_events(unit: Unit) -> None:
    """Insert the unit's events and one delivery a subscription, and wake the relay. One statement a slice."""
    events, is_awaited = list(unit.events), False
    unit.events.clear()
    if not events:
        return
    nexus = current_app.extensions["nexus"]
    for start in range(0, len(events), SLICE):
        is_awaited |= _write(unit, events[start : start + SLICE], nexus.subscriptions.names_for)
    if is_awaited:
        unit.after_commit.append(lambda: nexus.dispatcher.send(RELAY))


def _write(
    unit: Unit, events: Sequence[Event], subscriptions_to: Callable[[type[Event]], Sequence[str]]
) -> bool:
    """True when somebody subscribes to one of the events."""
    rows: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    for event in events:
        event_id = new_id()
        rows.append(
            {
                "id": event_id,
                "name": event.name,
                "version": event.version,
                "payload": encode(event),
                "actor_id": current_actor_id(),
                "trace_id": current_trace_id(),
            }
        )
        deliveries += [
            {"id": new_id(), "event_id": event_id, "subscription": name}
            for name in subscriptions_to(type(event))
        ]
    stored = insert(OutboxEvent).values(rows)
    if deliveries:
        unit.session.execute(insert(Delivery).values(deliveries).add_cte(stored.cte("stored")))
    else:
        unit.session.execute(stored)
    return bool(deliveries)
