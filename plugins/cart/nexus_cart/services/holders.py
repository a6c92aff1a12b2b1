"""Whose cart it is: a person's by their id, or a guest's by a token that only the guest knows.

The token is 256 random bits. What is stored is 122 bits of its SHA-256 as a UUID of version 8 (RFC 9562,
5.8), which is no person's id, and from which nobody finds the token.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from uuid import UUID

from nexus_cart.errors import TokenUnknown

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a cart. `token` is there only for a guest who has none yet, to be told once."""

    id: UUID
    is_guest: bool = False
    token: str | None = field(default=None, repr=False)

    @property
    def is_new(self) -> bool:
        """True for a guest whose cart is to be opened."""
        return self.token is not None


def guest_of(token: str) -> Holder:
    """The guest with this token. Raises TokenUnknown for a text that cannot be one."""
    if not _TOKEN.fullmatch(token):
        raise TokenUnknown()
    return Holder(_guest_id(token), is_guest=True)


def new_guest() -> Holder:
    """A guest with a token of their own."""
    token = secrets.token_urlsafe(32)
    return Holder(_guest_id(token), is_guest=True, token=token)


def _guest_id(token: str) -> UUID:
    bits = int.from_bytes(hashlib.sha256(token.encode()).digest()[:16])
    bits = bits & ~(0xF << 76) | 0x8 << 76
    return UUID(int=bits & ~(0b11 << 62) | 0b10 << 62)
