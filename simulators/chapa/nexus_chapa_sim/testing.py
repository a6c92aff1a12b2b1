"""A running simulator for test suites: real HTTP, virtual time, everything readable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nexus_chapa_sim.core.clock import VirtualClock
from nexus_chapa_sim.core.gateway import DEFAULT_METHOD
from nexus_chapa_sim.core.model import Transaction
from nexus_chapa_sim.settings import Settings
from nexus_chapa_sim.simulator import Simulator
from nexus_chapa_sim.web.app import create_app
from nexus_chapa_sim.web.server import Server

TEST_SEED = 1


class RunningSimulator(Simulator):
    """A simulator that is served at ``url``; messages go out on ``drain()`` or ``advance(minutes)`` only."""

    clock: VirtualClock

    def __init__(self, settings: Settings, clock: VirtualClock, state_file: Path | None) -> None:
        super().__init__(settings, clock=clock, state_file=state_file)
        self.url = ""

    @property
    def secret_key(self) -> str:
        """The first key that the API accepts."""
        return self.settings.secret_keys[0]

    @property
    def transactions(self) -> list[Transaction]:
        """Every transaction, oldest first."""
        return self.gateway.all()

    def transaction(self, tx_ref: str) -> Transaction:
        """One transaction; raises UnknownTransaction."""
        return self.gateway.find(tx_ref)

    def submit(self, tx_ref: str, method: str = DEFAULT_METHOD, phone: str | None = None) -> Transaction:
        """The customer starts an attempt, which stays pending; raises IllegalTransition."""
        return self.gateway.submit(tx_ref, method, phone)

    def pay(self, tx_ref: str, method: str = DEFAULT_METHOD, phone: str | None = None) -> Transaction:
        """The customer pays; raises IllegalTransition."""
        return self.gateway.pay(tx_ref, method, phone)

    def fail(self, tx_ref: str, method: str = DEFAULT_METHOD, phone: str | None = None) -> Transaction:
        """The customer's attempt fails; raises IllegalTransition."""
        return self.gateway.fail(tx_ref, method, phone)

    def cancel(self, tx_ref: str) -> Transaction:
        """The customer cancels; raises IllegalTransition."""
        return self.gateway.cancel(tx_ref)


@contextmanager
def running_simulator(*, state_file: Path | None = None, **settings: Any) -> Iterator[RunningSimulator]:
    """Serve a simulator on a free port of 127.0.0.1 for the length of a ``with`` block.

    Takes the members of Settings by name; the seed is fixed unless another one is given.
    """
    simulator = RunningSimulator(Settings(**{"seed": TEST_SEED} | settings), VirtualClock(), state_file)
    server = Server(create_app(simulator))
    simulator.url = server.url
    server.start()
    try:
        yield simulator
    finally:
        server.stop()
        simulator.close()
