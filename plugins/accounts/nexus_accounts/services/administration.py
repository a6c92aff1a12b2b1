"""What staff do with other people's accounts: roles, closing and opening, ending sign-ins.

The actor's roles are read anew here, because a token says what they were when it was issued. Without an
actor it is the operator at the command line, who may do everything.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from nexus_accounts.errors import AdminProtected, LastAdmin, OwnAccount, RoleReserved, UnknownRole
from nexus_accounts.models import SELLER, Act, User
from nexus_accounts.services.audit import audit
from nexus_accounts.services.revocation import end_sign_ins
from nexus_kernel import ADMIN, MEMBER, Actor, NotFound, current_nexus

STAFF = "staff"
GRANT_ANY = "accounts.role.grant_any"
CHANGE_ADMINS = "accounts.admin.write"


def known_roles() -> set[str]:
    """The roles that can be granted: this plugin's, and those that an installed plugin's permissions name."""
    return (current_nexus().policy.roles() | {ADMIN, STAFF, SELLER}) - {MEMBER}


def check_role(role: str) -> str:
    """The role. Raises UnknownRole."""
    if role not in known_roles():
        raise UnknownRole(known_roles())
    return role


class Administration:
    """Changes accounts on behalf of `actor`. Needs a transaction."""

    def __init__(self, session: Session, actor: Actor | None) -> None:
        self._session = session
        self._actor = actor
        self._actor_id = actor and actor.id

    def grant(self, user_id: UUID, role: str) -> User:
        """Give a role; nothing happens when the person has it.

        Raises UnknownRole, NotFound, RoleReserved, AdminProtected, OwnAccount.
        """
        user = self._for_roles(user_id, check_role(role))
        if role not in user.roles:
            self.give(user, role)
        return user

    def give(self, user: User, role: str) -> None:
        """Give a role to a locked person and end their sign-ins, for a caller who has checked that it may."""
        user.roles = sorted({*user.roles, role})
        self._note_roles(user, Act.ROLE_GRANTED, role)

    def take_away(self, user_id: UUID, role: str) -> None:
        """Take a role away and end the person's sign-ins.

        Raises NotFound for a person without it, RoleReserved, AdminProtected, OwnAccount, LastAdmin.
        """
        user = self._for_roles(user_id, role)
        if role not in user.roles:
            raise NotFound(f"The person does not have the role {role}.")
        if role == ADMIN:
            self.refuse_last_admin(user)
        user.roles = [kept for kept in user.roles if kept != role]
        self._note_roles(user, Act.ROLE_REVOKED, role)

    def change(self, user_id: UUID, changes: Mapping[str, Any]) -> User:
        """Change names, close or open an account; either ends the sign-ins.

        Raises NotFound, AdminProtected, OwnAccount and LastAdmin.
        """
        user = self.lock(user_id)
        for name in changes.keys() & {"first_name", "last_name"}:
            setattr(user, name, changes[name])
        active = changes.get("is_active", user.is_active)
        if active != user.is_active:
            self._open_or_close(user, active)
        self._session.flush()
        return user

    def revoke_sessions(self, user_id: UUID) -> None:
        """End every sign-in of a person. Raises NotFound and AdminProtected."""
        self.lock(user_id)
        end_sign_ins(self._session, user_id)
        self._audit(Act.SESSIONS_REVOKED, user_id)

    def lock(self, user_id: UUID) -> User:
        """The person, locked, whom the actor may change. Raises NotFound and AdminProtected.

        With an admin every admin is locked, in the order of their ids: two admins who demote each other wait
        for one another, and the second one sees what the first one did.
        """
        target = aliased(User)
        is_admin = User.roles.contains([ADMIN])
        wanted_is_admin = select(target.id).where(target.id == user_id, target.roles.contains([ADMIN]))
        admins = and_(is_admin, User.is_active, wanted_is_admin.exists())
        statement = select(User).where(or_(User.id == user_id, admins), User.erased_at.is_(None))
        statement = statement.options(joinedload(User.profile, innerjoin=True)).order_by(User.id)
        locked = statement.with_for_update(of=User).execution_options(populate_existing=True)
        people = self._session.scalars(locked).all()
        user = next((person for person in people if person.id == user_id), None)
        if user is None:
            raise NotFound("There is no such account.")
        self._admins_left = any(ADMIN in other.roles for other in people if other is not user)
        if ADMIN in user.roles and not self.may(CHANGE_ADMINS) and user_id != self._actor_id:
            raise AdminProtected
        return user

    def refuse_last_admin(self, user: User) -> None:
        """Raises LastAdmin when this locked person is an open account's admin and there is no other."""
        if ADMIN in user.roles and user.is_active and not self._admins_left:
            raise LastAdmin

    def may(self, code: str) -> bool:
        """True when the actor has this permission now, whatever the token said."""
        if self._actor is None:
            return True
        now_held = select(User.roles).where(User.id == self._actor_id, User.is_active)
        roles = frozenset(self._session.scalar(now_held) or ()) | {MEMBER}
        return replace(self._actor, roles=roles).can(code)

    def _for_roles(self, user_id: UUID, role: str) -> User:
        user = self.lock(user_id)
        if not self.may(GRANT_ANY):
            if role != SELLER or not self.may("accounts.role.grant"):
                raise RoleReserved(role)
            if user_id == self._actor_id:
                raise OwnAccount
        return user

    def _open_or_close(self, user: User, active: bool) -> None:
        if user.id == self._actor_id:
            raise OwnAccount
        if not active:
            self.refuse_last_admin(user)
        user.is_active = active
        self._session.flush()
        end_sign_ins(self._session, user.id)
        self._audit(Act.REACTIVATED if active else Act.DEACTIVATED, user.id)

    def _note_roles(self, user: User, act: Act, role: str) -> None:
        self._session.flush()
        end_sign_ins(self._session, user.id)
        self._audit(act, user.id, role=role)

    def _audit(self, act: Act, user_id: UUID, **details: str | bool) -> None:
        audit(self._session, act, user_id, actor_id=self._actor_id, **details)
