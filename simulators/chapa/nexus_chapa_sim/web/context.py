"""How views reach the simulator that they serve."""

from flask import current_app

from nexus_chapa_sim.simulator import Simulator

EXTENSION = "nexus_chapa_sim"


def simulator() -> Simulator:
    """The simulator behind the present request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Simulator)
    return found
