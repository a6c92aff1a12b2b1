"""Ways to say who sends a request, besides the kernel's own bearer tokens."""

import hashlib
import re
from collections.abc import Sequence
from threading import Lock
from typing import Protocol

from cachetools import TTLCache

from nexus_kernel.actors import Actor
from nexus_kernel.errors import StartupError, Unauthorized
from nexus_kernel.registry import Registry

REMEMBERED_SECONDS = 5.0
"""How long credentials that held are not looked at again, in each process."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,30}")


class Authenticator(Protocol):
    """Reads the credentials of one scheme of the `Authorization` header (RFC 9110, 11.4).

    `scheme` is the word before the credentials, as in `ApiKey`; `description` is a sentence for the OpenAPI
    document. An actor with `scopes` can do what the scopes name and its roles allow, and nothing else.
    """

    scheme: str
    description: str

    def authenticate(self, credentials: str) -> Actor:
        """Who sends these credentials. Raises Unauthorized when they do not hold.

        The text is a stranger's. An answer is remembered for some seconds, so a request in steady state
        costs nothing, and what is revoked goes on holding that long at most.
        """
        ...


class Authenticators:
    """Every authenticator by its scheme, and who was authenticated a moment ago."""

    def __init__(self) -> None:
        self.registry: Registry[Authenticator] = Registry("authenticator")
        self._actors: TTLCache[bytes, Actor] = TTLCache(4096, REMEMBERED_SECONDS)
        self._lock = Lock()  # reading a TTLCache expires entries

    def add(self, authenticator: Authenticator, owner: str) -> None:
        """Raises StartupError for a scheme that is taken or is no word."""
        scheme = authenticator.scheme
        if not _SCHEME.fullmatch(scheme) or scheme.lower() == "bearer":
            raise StartupError(f"{scheme!r} cannot be a scheme: bearer is the kernel's, others are one word")
        self.registry.add(scheme.lower(), authenticator, owner)

    @property
    def all(self) -> Sequence[Authenticator]:
        """Each one, sorted by its scheme."""
        return [self.registry[name] for name in sorted(self.registry)]

    @property
    def challenge(self) -> dict[str, str]:
        """The header that says how to authenticate, for an answer 401."""
        return {"WWW-Authenticate": ", ".join(["Bearer", *(a.scheme for a in self.all)])}

    def actor(self, scheme: str, credentials: str) -> Actor:
        """Who sends these credentials. Raises Unauthorized."""
        authenticator = self.registry.get(scheme.lower())
        if authenticator is None or not credentials:
            known = ["Bearer <access token>", *(f"{a.scheme} <credentials>" for a in self.all)]
            raise Unauthorized(f"Authorization must be `{'` or `'.join(known)}`.", headers=self.challenge)
        text = f"{scheme.lower()} {credentials}"
        key = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            known_actor = self._actors.get(key)
        if known_actor is not None:
            return known_actor
        actor = authenticator.authenticate(credentials)
        with self._lock:
            self._actors[key] = actor
        return actor
