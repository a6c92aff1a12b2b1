"""The settings in force, which may change while the simulator runs."""

import threading
from collections.abc import Mapping
from typing import Any

from nexus_chapa_sim.settings import Settings


class Configuration:
    """Holds the current settings; readers take ``current`` once and work with that snapshot."""

    def __init__(self, settings: Settings) -> None:
        self._current = settings
        self._lock = threading.Lock()

    @property
    def current(self) -> Settings:
        return self._current

    def change(self, changes: Mapping[str, Any]) -> Settings:
        """Replace some values; raises SettingsError and changes nothing when one does not fit."""
        with self._lock:
            self._current = self._current.changed(changes)
            return self._current
