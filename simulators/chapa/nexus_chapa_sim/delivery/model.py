"""One message to the merchant and everything that happened to it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["webhook", "callback"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. ``status`` is None when no HTTP answer came; ``error`` then says why."""

    at: datetime
    status: int | None
    latency_ms: float
    response: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that is sent until it is acknowledged or its ``delays`` (seconds) are used up."""

    id: str
    kind: Kind
    tx_ref: str
    event: str
    method: Literal["POST", "GET"]
    url: str
    created_at: datetime
    due_at: datetime | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delays: tuple[float, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def acknowledged(self) -> bool:
        """A webhook needs exactly 200; a callback is content with any 2xx."""
        if not self.attempts or self.attempts[-1].status is None:
            return False
        status = self.attempts[-1].status
        return status == 200 if self.kind == "webhook" else 200 <= status < 300

    @property
    def state(self) -> Literal["queued", "delivered", "abandoned"]:
        if self.acknowledged:
            return "delivered"
        return "abandoned" if self.due_at is None else "queued"

    def header(self, name: str) -> str | None:
        """The value of a request header, by its case-insensitive name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)
