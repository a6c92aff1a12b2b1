"""Who acts, what they may do, and the access token that says so.

Routes are closed unless they are declared: `blp.requires(code)` or `blp.public`. A permission is a code with
the roles that have it by default; `admin` has every one. A token is verified once and remembered until it
expires, so a request costs no query and no signature check for its token.
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from time import time
from typing import Any
from uuid import UUID

import jwt
from cachetools import LRUCache
from flask import Flask, current_app, g, request
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt.exceptions import PyJWTError

from nexus_kernel.context import set_actor_id
from nexus_kernel.errors import Forbidden, Unauthorized
from nexus_kernel.registry import Registry

log = logging.getLogger("nexus.auth")

MEMBER = "member"
"""The role that everybody with an account has."""
ADMIN = "admin"
"""The role that has every permission."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that may be allowed: a code like `catalog.product.write`, and the roles that have it."""

    code: str
    title: str
    roles: tuple[str, ...] = (MEMBER,)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person with roles, or nobody (`id` None)."""

    id: UUID | None
    roles: frozenset[str] = frozenset()

    @property
    def is_anonymous(self) -> bool:
        """True when nobody is signed in."""
        return self.id is None

    @property
    def person_id(self) -> UUID:
        """The person's id. Raises Unauthorized when nobody is signed in."""
        if self.id is None:
            raise Unauthorized("Sign in first: send a bearer token.")
        return self.id

    def can(self, code: str) -> bool:
        """True when one of the actor's roles has this permission."""
        policy: Policy = current_app.extensions["nexus"].policy
        return policy.allows(self.roles, code)


ANONYMOUS = Actor(None)


class Policy:
    """Which role has which permission."""

    def __init__(self, permissions: Registry[Permission]) -> None:
        self.permissions = permissions

    def allows(self, roles: Iterable[str], code: str) -> bool:
        """True when one of the roles has the permission. An unknown code is allowed to nobody."""
        permission = self.permissions.get(code)
        return permission is not None and any(role == ADMIN or role in permission.roles for role in roles)

    def roles(self) -> set[str]:
        """Every role that some permission names."""
        return {role for permission in self.permissions.values() for role in permission.roles} | {
            ADMIN,
            MEMBER,
        }


class TokenCache:
    """Verified tokens by a hash of their text, bounded, each until it expires."""

    def __init__(self, size: int = 4096) -> None:
        self._entries: LRUCache[bytes, tuple[float, Actor]] = LRUCache(size)
        self._lock = Lock()  # reading an LRUCache reorders it

    def actor(self, token: str) -> Actor:
        """The actor of a valid access token. Raises Unauthorized."""
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        with self._lock:
            known = self._entries.get(key)
        if known is not None and known[0] > time():
            return known[1]
        claims = verified_claims(token, "access")
        actor = Actor(UUID(claims["sub"]), frozenset(claims.get("roles", ())) | {MEMBER})
        with self._lock:
            self._entries[key] = (claims["exp"], actor)
        return actor


def init_auth(app: Flask, *, secret_key: str, access_minutes: int) -> None:
    """Set Flask-JWT-Extended up: tokens in the Authorization header only."""
    app.config.update(
        JWT_SECRET_KEY=secret_key,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(minutes=access_minutes),
        JWT_TOKEN_LOCATION=["headers"],
        JWT_ERROR_MESSAGE_KEY="detail",
    )
    JWTManager(app)


def issue_access_token(person_id: UUID, roles: Iterable[str]) -> str:
    """A signed access token for this person; it lives as long as the deployment's setting says."""
    if current_app.config.pop("NEXUS_KEY_IS_EPHEMERAL", False):
        log.warning("NEXUS_KERNEL__SECRET_KEY is not set: tokens end with this process")
    token: str = create_access_token(str(person_id), additional_claims={"roles": sorted(roles)})
    return token


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


def current_actor() -> Actor:
    """Who sent the request under way. Raises Unauthorized for a token that does not hold."""
    if "nexus_actor" not in g:
        g.nexus_actor = _authenticate()
        set_actor_id(g.nexus_actor.id)
    actor: Actor = g.nexus_actor
    return actor


def check_access(codes: tuple[str, ...], *, any_of: bool = False) -> Actor:
    """Raises Unauthorized for nobody, Forbidden for a person without the permissions.

    All of them are needed; with `any_of` one of them is enough.
    """
    actor = current_actor()
    if actor.is_anonymous:
        raise Unauthorized("Sign in first: send a bearer token.", headers=_CHALLENGE)
    missing = [code for code in codes if not actor.can(code)]
    if missing and any_of and len(missing) < len(codes):
        return actor
    if missing:
        raise Forbidden(f"This takes the permission {' or '.join(missing) if any_of else missing[0]}.")
    return actor


_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def _authenticate() -> Actor:
    header = request.headers.get("Authorization", "")
    if not header:
        return ANONYMOUS
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("Authorization must be `Bearer <access token>`.", headers=_CHALLENGE)
    tokens: TokenCache = current_app.extensions["nexus"].tokens
    return tokens.actor(token.strip())
