"""Who acts, and what they may do: a permission is a code with the roles that have it.

`admin` has every permission. An actor with scopes is a machine that acts for a person.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from flask import current_app

from nexus_kernel.errors import Unauthorized
from nexus_kernel.registry import Registry

MEMBER = "member"
"""The role that everybody with an account has."""
ADMIN = "admin"
"""The role that has every permission."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Something that may be allowed: a code like `catalog.product.write`, and the roles that have it.

    `personal`: only people who signed in themselves have it, never an actor with scopes.
    """

    code: str
    title: str
    roles: tuple[str, ...] = (MEMBER,)
    personal: bool = False


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a person with roles, or nobody (`id` None).

    With `scopes`, a machine acts for that person, and can do only what the scopes name besides.
    """

    id: UUID | None
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None

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
        """True when one of the actor's roles has this permission, and the scopes name it if there are any."""
        policy: Policy = current_app.extensions["nexus"].policy
        if self.scopes is not None and (code not in self.scopes or not policy.delegable(code)):
            return False
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

    def delegable(self, code: str) -> bool:
        """True for a permission that a person may hand to a machine."""
        permission = self.permissions.get(code)
        return permission is not None and not permission.personal

    def roles(self) -> set[str]:
        """Every role that some permission names."""
        return {role for permission in self.permissions.values() for role in permission.roles} | {
            ADMIN,
            MEMBER,
        }
