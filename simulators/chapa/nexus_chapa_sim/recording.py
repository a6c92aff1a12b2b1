"""What a merchant's server was told."""

from dataclasses import dataclass, field


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Merchant:
    """Answers with ``status``; keeps every request."""

    url: str
    status: int = 200
    received: list[Received] = field(default_factory=list)

    @property
    def webhooks(self) -> list[Received]:
        return [item for item in self.received if item.method == "POST"]

    @property
    def callbacks(self) -> list[Received]:
        return [item for item in self.received if item.method == "GET"]
