"""Threads that send messages as they fall due in real time."""

import logging
import threading
import time

from nexus_chapa_sim.core.clock import Clock
from nexus_chapa_sim.core.store import Store
from nexus_chapa_sim.delivery.agenda import Agenda

THREADS = 4
LONGEST_WAIT = 60.0

_log = logging.getLogger("nexus_chapa_sim.delivery")


class Worker:
    """Several threads, so that one slow merchant answer does not hold up the other messages."""

    def __init__(self, agenda: Agenda, store: Store, clock: Clock) -> None:
        self._agenda = agenda
        self._store = store
        self._clock = clock
        self._stopping = False
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Send nothing new and wait a moment for what is under way; what is cut off stays queued."""
        with self._store.changed:
            self._stopping = True
            self._store.changed.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _run(self) -> None:
        while self._wait_until_due():
            try:
                self._agenda.step()
            except Exception:
                if self._stopping:
                    return
                _log.exception("A message could not be sent or recorded")
                time.sleep(1)

    def _wait_until_due(self) -> bool:
        with self._store.changed:
            while not self._stopping:
                due = self._agenda.next_due()
                wait = LONGEST_WAIT if due is None else (due - self._clock.now()).total_seconds()
                if wait <= 0:
                    return True
                self._store.changed.wait(min(wait, LONGEST_WAIT))
            return False
