"""The base of every event that crosses a plugin boundary."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened and was committed.

    A subclass is a frozen dataclass whose fields are UUID, str, int, bool, datetime, Money, enums, None, or
    tuples and dataclasses of these. `name` begins with the owner's name and is in the past tense;
    `version` rises when a field changes its meaning.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One hand-over of an event to one subscription.

    `event_id` with `subscription` is what a handler is idempotent by. `attempt` counts from 1.
    `actor_id` is the person whose act published the event, `trace_id` the request's id.
    """

    event_id: UUID
    subscription: str
    attempt: int
    occurred_at: datetime
    actor_id: UUID | None
    trace_id: str | None
