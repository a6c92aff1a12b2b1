"""Time as the simulator sees it: real for demonstrations, moved by hand for tests."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol

VIRTUAL_START = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)


class Clock(Protocol):
    """Tells the present moment in UTC."""

    def now(self) -> datetime: ...


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class VirtualClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime = VIRTUAL_START) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def advance(self, minutes: float = 0, *, seconds: float = 0) -> None:
        """Move forward; deliveries that fall due wait for the simulator's ``drain()`` or ``advance()``."""
        self.move_to(self.now() + timedelta(minutes=minutes, seconds=seconds))

    def move_to(self, moment: datetime) -> None:
        """Move to a moment; raises ValueError when it lies in the past."""
        with self._lock:
            if moment < self._now:
                raise ValueError("A virtual clock only moves forward.")
            self._now = moment


def timestamp(moment: datetime) -> str:
    """The gateway's time format, e.g. ``2026-01-01T08:00:00.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
