"""Writing events into the transaction that caused them."""

from typing import Any

from flask import current_app
from sqlalchemy import insert

from nexus_kernel.context import current_actor_id, current_trace_id
from nexus_kernel.db import Unit, new_id
from nexus_kernel.events import encode
from nexus_kernel.outbox.models import Delivery, OutboxEvent

RELAY = "nexus.relay"


def write_events(unit: Unit) -> None:
    """Insert the unit's events and one delivery a subscription, as one statement, and wake the relay."""
    if not unit.events:
        return
    nexus = current_app.extensions["nexus"]
    rows: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    for event in unit.events:
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
            for name in nexus.subscriptions.names_for(type(event))
        ]
    unit.events.clear()
    stored = insert(OutboxEvent).values(rows)
    if not deliveries:
        unit.session.execute(stored)
        return
    unit.session.execute(insert(Delivery).values(deliveries).add_cte(stored.cte("stored")))
    unit.after_commit.append(lambda: nexus.dispatcher.send(RELAY))
