"""Puts the parts together."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from nexus_chapa_sim.configuration import Configuration
from nexus_chapa_sim.core.clock import Clock, RealClock, VirtualClock
from nexus_chapa_sim.core.gateway import Gateway
from nexus_chapa_sim.core.identifiers import Identifiers
from nexus_chapa_sim.core.journal import SqliteJournal
from nexus_chapa_sim.core.refunds import Refunds
from nexus_chapa_sim.core.store import Store
from nexus_chapa_sim.delivery.agenda import Agenda
from nexus_chapa_sim.delivery.model import Delivery
from nexus_chapa_sim.delivery.notifier import Notifier
from nexus_chapa_sim.delivery.outbox import Outbox
from nexus_chapa_sim.delivery.sender import Sender
from nexus_chapa_sim.delivery.worker import Worker
from nexus_chapa_sim.faults import FaultBoard
from nexus_chapa_sim.settings import Settings


class Simulator:
    """One simulated merchant account; ``nexus_chapa_sim.web.create_app`` puts HTTP in front of it.

    With a VirtualClock nothing is sent before ``drain()`` or ``advance()``; with the real clock ``start()``
    sends in the background until ``close()``. Raises JournalError when the state file cannot be used.
    """

    def __init__(
        self, settings: Settings | None = None, *, clock: Clock | None = None, state_file: Path | None = None
    ) -> None:
        self.configuration = Configuration(settings or Settings())
        self.clock = clock or RealClock()
        self.faults = FaultBoard()
        self.store = Store(SqliteJournal(state_file) if state_file else None)
        self._sender = Sender(self.clock)
        self.outbox = Outbox(self.configuration, self.clock, self.store, self._sender)
        notifier = Notifier(self.configuration, self.faults)
        identifiers = Identifiers(self.settings.seed)
        parts = (self.configuration, self.clock, self.store, identifiers, notifier)
        self.gateway = Gateway(*parts)
        self.refunds = Refunds(*parts)
        self._agenda = Agenda(self.refunds, self.outbox)
        self._worker: Worker | None = None

    @property
    def settings(self) -> Settings:
        return self.configuration.current

    @property
    def deliveries(self) -> list[Delivery]:
        """Every message, oldest first, with its attempts."""
        return self.store.deliveries()

    def configure(self, **changes: Any) -> None:
        """Change settings from now on; raises SettingsError for a value that does not fit."""
        self.configuration.change(changes)

    def start(self) -> None:
        """Send messages in the background as they fall due."""
        self._worker = Worker(self._agenda, self.store, self.clock)
        self._worker.start()

    def drain(self) -> list[Delivery]:
        """Do everything that is due now, in this thread; the messages sent, as they are afterwards."""
        sent = []
        while (delivery := self._agenda.step()) is not None:
            sent.append(delivery)
        return sent

    def advance(self, minutes: float) -> list[Delivery]:
        """Let virtual time pass; each message goes out, and each refund goes on, at its very moment.

        Raises TypeError when the simulator runs on the real clock.
        """
        if not isinstance(self.clock, VirtualClock):
            raise TypeError("Only a simulator with a VirtualClock can be advanced.")
        end, sent = self.clock.now() + timedelta(minutes=minutes), self.drain()
        while (due := self._agenda.next_due()) is not None and due <= end:
            self.clock.move_to(max(due, self.clock.now()))
            sent += self.drain()
        self.clock.move_to(end)
        return sent

    def close(self) -> None:
        """Stop sending and release files and connections."""
        if self._worker is not None:
            self._worker.stop()
        self._sender.close()
        self.store.close()
