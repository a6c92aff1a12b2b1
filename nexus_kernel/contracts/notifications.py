"""How a message reaches a person."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """A rendered message. `message_id` is stable over retries; `html` may be empty."""

    message_id: str
    kind: str
    user_id: UUID | None
    recipient: str
    subject: str
    text: str
    html: str = ""


class Undeliverable(Exception):
    """The message will never arrive: the recipient does not exist, or the message was refused for good."""


class Channel(Protocol):
    """A way to reach people. `deliver` is called by a worker, never inside a request or a transaction."""

    code: str

    def deliver(self, message: OutboundMessage) -> None:
        """Hand the message over. Raises Undeliverable when another try would not help.

        Any other exception means "not delivered, try again later".
        """
        ...
