"""The queue of messages: which one is due, what becomes of it after a try."""

from dataclasses import replace
from datetime import datetime, timedelta

from nexus_chapa_sim.configuration import Configuration
from nexus_chapa_sim.core.clock import Clock
from nexus_chapa_sim.core.store import Store
from nexus_chapa_sim.delivery.model import Attempt, Delivery
from nexus_chapa_sim.delivery.sender import Sender


class UnknownDelivery(LookupError):
    """There is no such delivery."""


class Outbox:
    """Hands out each due message to one sender at a time."""

    def __init__(self, configuration: Configuration, clock: Clock, store: Store, sender: Sender) -> None:
        self._configuration = configuration
        self._clock = clock
        self._store = store
        self._sender = sender
        self._in_flight: set[str] = set()

    def next_due(self) -> datetime | None:
        """When the earliest waiting message falls due, or None when none waits."""
        waiting = self._waiting()
        return waiting[0][0] if waiting else None

    def send_next(self) -> Delivery | None:
        """Send the message that is due longest; it is returned as it is afterwards, None when none is due."""
        delivery = self._claim()
        if delivery is None:
            return None
        try:
            attempt = self._sender.send(delivery, self._configuration.current.delivery_timeout)
            return self._record(delivery, attempt)
        finally:
            self._release(delivery)

    def redeliver(self, delivery_id: str) -> Delivery:
        """Send the same bytes again at once as a message of its own; raises UnknownDelivery."""
        with self._store.changed:
            original = self._store.delivery(delivery_id)
            if original is None:
                raise UnknownDelivery(f"There is no delivery {delivery_id}.")
            now, number = self._clock.now(), self._store.next_delivery_number()
            copy = replace(original, id=f"d{number}", created_at=now, due_at=now, delays=(), attempts=())
            self._store.commit(deliveries=[copy])
            return copy

    def _waiting(self) -> list[tuple[datetime, Delivery]]:
        with self._store.changed:
            waiting = [
                (item.due_at, item)
                for item in self._store.waiting()
                if item.due_at is not None and item.id not in self._in_flight
            ]
        return sorted(waiting, key=lambda pair: pair[0])

    def _claim(self) -> Delivery | None:
        with self._store.changed:
            waiting = self._waiting()
            if not waiting or waiting[0][0] > self._clock.now():
                return None
            self._in_flight.add(waiting[0][1].id)
            return waiting[0][1]

    def _release(self, delivery: Delivery) -> None:
        with self._store.changed:
            self._in_flight.discard(delivery.id)
            self._store.changed.notify_all()

    def _record(self, delivery: Delivery, attempt: Attempt) -> Delivery:
        after = replace(delivery, attempts=(*delivery.attempts, attempt), due_at=None)
        if not after.acknowledged and len(delivery.attempts) < len(delivery.delays):
            after = replace(after, due_at=self._later(delivery.delays[len(delivery.attempts)]))
        self._store.commit(deliveries=[after])
        return after

    def _later(self, delay: float) -> datetime:
        return self._clock.now() + timedelta(seconds=delay / self._configuration.current.time_scale)
