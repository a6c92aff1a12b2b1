"""A local stand-in for the Chapa payment gateway.

It speaks the gateway's v1 contract over real HTTP, so that a shop can be developed, demonstrated and tested
without an account, and shares no code with any client of the gateway.
"""

from nexus_chapa_sim.settings import Settings, SettingsError
from nexus_chapa_sim.simulator import Simulator

__version__ = "0.1.0"

__all__ = ["Settings", "SettingsError", "Simulator", "__version__"]
