"""The outbox: events stored with the change that caused them, and delivered after it at least once."""

from nexus_kernel.outbox.models import Delivery, OutboxEvent
from nexus_kernel.outbox.relay import PERIODICS, TASKS, deliver_due, prune, sweep
from nexus_kernel.outbox.store import RELAY, write_events

__all__ = [
    "PERIODICS",
    "RELAY",
    "TASKS",
    "Delivery",
    "OutboxEvent",
    "deliver_due",
    "prune",
    "sweep",
    "write_events",
]
