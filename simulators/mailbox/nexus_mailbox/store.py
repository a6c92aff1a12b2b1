"""Messages in a Maildir: one file each, so that a restart loses nothing and any mail reader can open them."""

import contextlib
import itertools
import os
import re
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

RECIPIENT = "X-Mailbox-To"
SENDER = "X-Mailbox-From"
_ID = re.compile(r"[0-9]{20}-[0-9]+-[0-9]+")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+")


@dataclass(frozen=True)
class Message:
    """A message as its reader sees it. `to` and `sender` come from the envelope."""

    id: str
    to: list[str]
    sender: str
    subject: str
    date: str
    text: str
    html: str
    links: list[str]

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, where the sender is called `from`."""
        fields = asdict(self)
        fields["from"] = fields.pop("sender")
        return fields


class Store:
    """The messages of one folder, in the layout of a Maildir (`tmp`, `new`, `cur`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = itertools.count()
        self._lock = threading.Lock()
        self._read: dict[str, Message] = {}
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, sender: str, recipients: list[str], content: bytes) -> str:
        """Keep a message, on disk before this returns; its id."""
        identity = f"{time.time_ns():020d}-{os.getpid()}-{next(self._count)}"
        envelope = "".join(f"{RECIPIENT}: {_one_line(address)}\r\n" for address in recipients)
        unfinished = self._folder / "tmp" / identity
        with open(unfinished, "wb") as file:
            file.write(f"{SENDER}: {_one_line(sender)}\r\n{envelope}".encode() + content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._folder / "new" / identity)
        return identity

    def list(self, to: str | None = None) -> list[Message]:
        """The messages, newest first; of one recipient when `to` is given."""
        wanted = to.strip().casefold() if to else None
        found = (self.get(path.name) for path in sorted(self._folder.glob("new/*"), reverse=True))
        return [
            message
            for message in found
            if message and (wanted is None or wanted in (address.casefold() for address in message.to))
        ]

    def get(self, identity: str) -> Message | None:
        """One message, None when there is none of that id."""
        with self._lock:
            if identity in self._read:
                return self._read[identity]
        content = self.raw(identity)
        if content is None:
            return None
        message = _parse(identity, content)
        with self._lock:
            self._read[identity] = message
        return message

    def raw(self, identity: str) -> bytes | None:
        """The source of a message, with the envelope as its first headers."""
        if not _ID.fullmatch(identity):
            return None
        try:
            return (self._folder / "new" / identity).read_bytes()
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Remove every message."""
        for path in self._folder.glob("new/*"):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
        with self._lock:
            self._read.clear()


def _one_line(address: str) -> str:
    return address.replace("\r", " ").replace("\n", " ")


def _parse(identity: str, content: bytes) -> Message:
    mail = message_from_bytes(content, policy=policy.default)
    text, html = _body(mail, "plain"), _body(mail, "html")
    arrived = datetime.fromtimestamp(int(identity.split("-")[0]) / 1e9, UTC)
    return Message(
        id=identity,
        to=[str(address) for address in mail.get_all(RECIPIENT, [])],
        sender=_sender(mail),
        subject=str(mail.get("Subject", "")),
        date=arrived.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        text=text,
        html=html,
        links=links_in(text, html),
    )


def _sender(mail: EmailMessage) -> str:
    named = getaddresses([str(mail.get("From", ""))])
    return named[0][1] if named and named[0][1] else str(mail.get(SENDER, ""))


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address and address.startswith(("http://", "https://")):
            self.found.append(address)


def links_in(text: str, html: str) -> list[str]:
    """The addresses that a reader could follow, in their order, each once."""
    anchors = _Anchors()
    anchors.feed(html)
    plain = (address.rstrip(".,;:!?") for address in _LINK.findall(text))
    return list(dict.fromkeys([*plain, *anchors.found]))
