"""The access token that says who acts: issued, verified, and remembered until it expires or ends.

A token is verified once and remembered, so a request costs no query and no signature check for its token;
whether its claims still hold is asked again every few seconds.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from time import monotonic, time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import jwt
from cachetools import LRUCache
from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError
from sqlalchemy.exc import SQLAlchemyError

from nexus_kernel.actors import MEMBER, Actor
from nexus_kernel.db import connection_lost
from nexus_kernel.errors import Unauthorized

if TYPE_CHECKING:
    from nexus_kernel.contracts.tokens import ClaimsProvider


log = logging.getLogger("nexus.auth")

_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(slots=True)
class KnownToken:
    """A verified token: until when it is valid, what it says, and when to ask whether that still holds."""

    expires_at: float
    recheck_at: float
    actor: Actor
    claims: Mapping[str, Any]


class TokenCache:
    """Verified tokens by a hash of their text, bounded, each until it expires.

    A token that was verified goes on while the database is out of reach: whatever needs the database fails
    by itself. One that this process never saw does not.
    """

    RETRY_AFTER = 1.0
    """Seconds for which nobody asks again after the database did not answer."""

    def __init__(self, size: int = 4096, recheck_seconds: float = 10.0) -> None:
        self._entries: LRUCache[bytes, KnownToken] = LRUCache(size)
        self._recheck_seconds = recheck_seconds
        self._forgotten = 0
        self._lock = Lock()  # reading an LRUCache reorders it

    def actor(self, token: str) -> Actor:
        """The actor of a valid access token. Raises Unauthorized."""
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            known = self._entries.get(key)
            due = known is not None and known.recheck_at <= monotonic()
            if known is not None and due:  # by one request; the others go on meanwhile
                known.recheck_at = monotonic() + self._recheck_seconds
            forgotten = self._forgotten
        if known is not None and known.expires_at > time():
            if due:
                self._recheck(key, known)
            return known.actor
        return self._first_sight(key, token, forgotten).actor

    def remember(self, token: str) -> None:
        """Take the word of a token that this process issued itself, until it expires or is forgotten."""
        entry = _known(verified_claims(token, "access"), recheck_at=float("inf"))
        key = hashlib.sha256(token.encode()).digest()
        with self._lock:
            self._entries[key] = entry

    def forget(self, person_id: UUID) -> None:
        """Ask again about every token of this person when it is next used in this process."""
        with self._lock:
            self._forgotten += 1
            entries = [(key, LRUCache.__getitem__(self._entries, key)) for key in list(self._entries)]
            for key, known in entries:
                if known.actor.id == person_id:
                    del self._entries[key]

    def _first_sight(self, key: bytes, token: str, forgotten: int) -> KnownToken:
        known = _known(access_claims(token), recheck_at=monotonic() + self._recheck_seconds)
        with self._lock:
            if self._forgotten == forgotten:  # else what was asked may be older than what was revoked
                self._entries[key] = known
        return known

    def _recheck(self, key: bytes, known: KnownToken) -> None:
        try:
            check_claims(known.claims)
        except Unauthorized:
            with self._lock:
                self._entries.pop(key, None)
            raise
        except SQLAlchemyError as error:
            if not connection_lost(error):
                raise
            log.warning("the database is out of reach; a token that was verified before goes on")
            known.recheck_at = monotonic() + self.RETRY_AFTER
        else:
            known.recheck_at = monotonic() + self._recheck_seconds


def init_auth(app: Flask, *, secret_key: str, access_minutes: int) -> None:
    """Set Flask-JWT-Extended up: tokens in the Authorization header only."""
    app.config.update(
        JWT_SECRET_KEY=secret_key,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=access_minutes),
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ERROR_MESSAGE_KEY="detail",
    )
    JWTManager(app)


def issue_access_token(person_id: UUID, roles: Iterable[str], claims: Mapping[str, Any] | None = None) -> str:
    """A signed access token for this person; it lives as long as the deployment's setting says.

    `claims` are those by code that the caller knows already; the other providers of `nexus_token_claims` are
    asked for theirs.
    """
    if current_app.config.pop("NEXUS_KEY_IS_EPHEMERAL", False):
        log.warning("NEXUS_KERNEL__SECRET_KEY is not set: tokens end with this process")
    given = dict(claims or {})
    for code, provider in _claims_providers().items():
        if code not in given and (value := provider.claim(person_id)) is not None:
            given[code] = value
    token: str = create_access_token(str(person_id), additional_claims={**given, "roles": sorted(roles)})
    return token


def access_claims(token: str) -> dict[str, Any]:
    """The claims of an access token that holds at this moment. Raises Unauthorized."""
    claims = verified_claims(token, "access")
    check_claims(claims)
    return claims


def check_claims(claims: Mapping[str, Any]) -> None:
    """Ask every provider whether its claim still holds, one query each. Raises Unauthorized."""
    for code, provider in _claims_providers().items():
        if not all(provider.holding([(UUID(claims["sub"]), claims.get(code))])):
            raise Unauthorized("The token has been revoked; sign in again.", headers=_CHALLENGE)


def verified_claims(token: str, token_type: str) -> dict[str, Any]:
    """The claims of a token of this type (`access`, `refresh`). Raises Unauthorized for anything else."""
    try:
        claims: dict[str, Any] = decode_token(token)
        UUID(claims["sub"])
        float(claims["exp"])
        stated = jwt.decode(token, options={"verify_signature": False}).get("type")  # the library assumes one
    except (PyJWTError, JWTExtendedException, ValueError, LookupError, TypeError, RecursionError) as error:
        raise Unauthorized("The token is invalid or has expired.", headers=_CHALLENGE) from error
    if stated != token_type:
        raise Unauthorized(f"This takes a token of the type {token_type}.", headers=_CHALLENGE)
    return claims


def _known(claims: Mapping[str, Any], *, recheck_at: float) -> KnownToken:
    actor = Actor(UUID(claims["sub"]), frozenset(claims.get("roles", ())) | {MEMBER})
    return KnownToken(claims["exp"], recheck_at, actor, claims)


def _claims_providers() -> "Mapping[str, ClaimsProvider]":
    providers: Mapping[str, ClaimsProvider] = current_app.extensions["nexus"].claims_providers
    return providers
