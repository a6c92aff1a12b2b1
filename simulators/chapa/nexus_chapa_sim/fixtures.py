"""Pytest fixtures; activate with ``pytest_plugins = ["nexus_chapa_sim.fixtures"]`` in a conftest."""

from collections.abc import Iterator

import pytest

from nexus_chapa_sim.testing import RunningSimulator, running_simulator


@pytest.fixture
def chapa_sim() -> Iterator[RunningSimulator]:
    """A fresh simulator for one test; tell it the shop's address with ``configure(webhook_url=...)``."""
    with running_simulator() as simulator:
        yield simulator
