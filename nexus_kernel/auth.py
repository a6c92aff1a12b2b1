"""Who sent the request under way, and whether they may do what it asks.

Routes are closed unless they are declared: `blp.requires(code)`, `blp.requires_any(...)` or `blp.public`.
"""

from flask import current_app, g, request

from nexus_kernel.actors import ANONYMOUS, Actor
from nexus_kernel.authenticators import Authenticators
from nexus_kernel.context import set_actor_id
from nexus_kernel.errors import Forbidden, Unauthorized
from nexus_kernel.tokens import TokenCache


def current_actor() -> Actor:
    """Who sent the request under way. Raises Unauthorized for a token that does not hold."""
    if "nexus_actor" not in g:
        g.nexus_actor = _authenticate()
        set_actor_id(g.nexus_actor.id)
    actor: Actor = g.nexus_actor
    return actor


def check_access(codes: tuple[str, ...], *, any_of: bool = False) -> Actor:
    """Raises Unauthorized for nobody, Forbidden for a person without the permissions.

    All of them are needed; with `any_of` one of them is enough. A route that names no permission is for
    people: an actor with scopes is refused.
    """
    actor = current_actor()
    if actor.is_anonymous:
        raise Unauthorized("Sign in first: send a bearer token.", headers=_authenticators().challenge)
    if actor.scopes is not None and not codes:
        raise Forbidden("This is for people who signed in themselves.")
    missing = [code for code in codes if not actor.can(code)]
    if missing and any_of and len(missing) < len(codes):
        return actor
    if missing:
        raise Forbidden(f"This takes the permission {' or '.join(missing) if any_of else missing[0]}.")
    return actor


def _authenticate() -> Actor:
    header = request.headers.get("Authorization", "")
    if not header:
        return ANONYMOUS
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return _authenticators().actor(scheme, token.strip())
    tokens: TokenCache = current_app.extensions["nexus"].tokens
    return tokens.actor(token.strip())


def _authenticators() -> Authenticators:
    authenticators: Authenticators = current_app.extensions["nexus"].authenticators
    return authenticators
