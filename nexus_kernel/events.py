"""Events: publishing, subscribing, and the codec between an event and its stored payload."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from nexus_kernel.contracts.events import Delivery, Event
from nexus_kernel.db import current_unit
from nexus_kernel.errors import StartupError
from nexus_kernel.registry import Registry

E = TypeVar("E", bound=Event)
Handler = Callable[[Any, Delivery], None]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A handler of one event type, under a stable name that begins with the owner's name.

    The handler gets the event and its delivery, inside a transaction that also marks the delivery as done:
    what it writes to the database happens once. Renaming a subscription orphans what is under way.
    """

    event: type[Event]
    handler: Handler
    name: str


class Subscriptions:
    """Every subscription of the application, by name and by event."""

    def __init__(self) -> None:
        self._by_name: Registry[Subscription] = Registry("subscription")
        self._by_event: dict[str, list[str]] = defaultdict(list)

    def add(self, subscription: Subscription, owner: str) -> None:
        """Raises StartupError for a name that is taken."""
        self._by_name.add(subscription.name, subscription, owner)
        self._by_event[subscription.event.name].append(subscription.name)

    def freeze(self) -> None:
        """Refuse every further subscription."""
        self._by_name.freeze()

    def names_for(self, event: type[Event]) -> list[str]:
        """The subscriptions to this event type."""
        return self._by_event.get(event.name, [])

    @property
    def by_name(self) -> Registry[Subscription]:
        """Subscription by name."""
        return self._by_name


def publish(event: Event) -> None:
    """Tell the subscribers once the transaction under way is committed; RuntimeError outside of one."""
    unit = current_unit()
    if not unit.atomic:
        raise RuntimeError("publish() needs a transaction: open one with `with transaction():`")
    unit.events.append(event)


def encode(event: Event) -> dict[str, Any]:
    """The event as JSON types."""
    payload: dict[str, Any] = msgspec.to_builtins(event)
    return payload


def decode(event_type: type[E], payload: Mapping[str, Any]) -> E:
    """The event of this payload. Raises msgspec.ValidationError when it does not fit."""
    return msgspec.convert(payload, event_type)


def check_event_type(event_type: type[Event]) -> None:
    """Raises StartupError for an event whose fields cannot be stored."""
    try:
        msgspec.json.Decoder(event_type)
    except TypeError as error:
        raise StartupError(f"event {event_type.__name__}: {error}") from None
