"""Writing events into the transaction that caused them."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from nexus_kernel.context import current_actor_id, current_trace_id
from nexus_kernel.contracts.events import Event
from nexus_kernel.db import Unit, new_id
from nexus_kernel.events import encode

RELAY = "nexus.relay"
SLICE = 500
"""Events a statement: what is sent at once stays small."""

_WRITE = text(
    """
    WITH stored AS (
        INSERT INTO nexus_outbox (id, name, version, payload, actor_id, trace_id)
        SELECT id, name, version, payload, actor_id, trace_id
        FROM jsonb_to_recordset(:events) AS event(
            id uuid, name text, version integer, payload jsonb, actor_id uuid, trace_id text)
    )
    INSERT INTO nexus_delivery (id, event_id, subscription)
    SELECT id, event_id, subscription
    FROM jsonb_to_recordset(:deliveries) AS delivery(id uuid, event_id uuid, subscription text)
    """
).bindparams(bindparam("events", type_=JSONB), bindparam("deliveries", type_=JSONB))
"""One statement for any number of events, so that it is compiled once and PostgreSQL prepares it."""


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
    unit.session.execute(_WRITE, {"events": rows, "deliveries": deliveries})
    return bool(deliveries)
