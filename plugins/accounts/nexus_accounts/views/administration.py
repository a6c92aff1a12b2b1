"""Routes: what staff see of accounts and do with them, and one's own devices."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from nexus_accounts.models import Profile, RefreshFamily, User
from nexus_accounts.schemas.administration import (
    PersonProfileSchema,
    RoleSchema,
    SessionSchema,
    UserQuery,
    UserUpdateSchema,
)
from nexus_accounts.schemas.people import UserSchema
from nexus_accounts.services.administration import Administration
from nexus_accounts.services.devices import Devices
from nexus_accounts.services.finding import ORDERS, narrowed
from nexus_accounts.services.people import Accounts
from nexus_accounts.views.blueprint import blp
from nexus_kernel import PageQuery, current_actor, page_of, paginate, reading, transaction


@blp.get("/auth/users/")
@blp.requires("accounts.user.read")
@blp.arguments(UserQuery, location="query")
@blp.response(200, page_of(UserSchema))
def list_users(args: dict[str, Any]) -> dict[str, Any]:
    """Everybody who was not erased, newest first unless `sort` says otherwise."""
    order, descending = ORDERS[args["sort"]]
    with reading() as session:
        found = narrowed(Accounts(session).all(), args)
        return paginate(
            session, found, order=order, descending=descending, args=args, present=lambda row: row.User
        )


@blp.get("/auth/users/<uuid:user_id>/")
@blp.requires("accounts.user.read")
@blp.response(200, UserSchema)
def get_user(user_id: UUID) -> User:
    """One account."""
    with reading() as session:
        return Accounts(session).get(user_id)


@blp.patch("/auth/users/<uuid:user_id>/")
@blp.requires("accounts.user.write")
@blp.arguments(UserUpdateSchema)
@blp.response(200, UserSchema)
def update_user(changes: dict[str, Any], user_id: UUID) -> User:
    """Change somebody's names, close or open their account. Either of the latter ends every sign-in."""
    with transaction() as session:
        return Administration(session, current_actor()).change(user_id, changes)


@blp.post("/auth/users/<uuid:user_id>/roles/")
@blp.requires("accounts.role.grant")
@blp.arguments(RoleSchema)
@blp.response(200, UserSchema)
def grant_role(data: dict[str, Any], user_id: UUID) -> User:
    """Give a role: staff make sellers, admins everything. It ends the person's sign-ins."""
    with transaction() as session:
        return Administration(session, current_actor()).grant(user_id, data["role"])


@blp.delete("/auth/users/<uuid:user_id>/roles/<string:role>/")
@blp.requires("accounts.role.grant")
@blp.response(204)
def revoke_role(user_id: UUID, role: str) -> None:
    """Take a role away. It ends the person's sign-ins. The last admin stays one."""
    with transaction() as session:
        Administration(session, current_actor()).take_away(user_id, role)


@blp.post("/auth/users/<uuid:user_id>/revoke_sessions/")
@blp.requires("accounts.user.write")
@blp.response(204)
def revoke_sessions(user_id: UUID) -> None:
    """End every sign-in of a person."""
    with transaction() as session:
        Administration(session, current_actor()).revoke_sessions(user_id)


@blp.get("/auth/users/<uuid:user_id>/sessions/")
@blp.requires("accounts.user.read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(SessionSchema))
def list_user_sessions(args: dict[str, Any], user_id: UUID) -> dict[str, Any]:
    """The devices that a person is signed in on."""
    with reading() as session:
        Accounts(session).get(user_id)
        return _devices(session, user_id, args)


@blp.get("/auth/users/me/sessions/")
@blp.requires("accounts.me.read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(SessionSchema))
def list_my_sessions(args: dict[str, Any]) -> dict[str, Any]:
    """The devices that one is signed in on."""
    with reading() as session:
        return _devices(session, current_actor().person_id, args)


@blp.delete("/auth/users/me/sessions/<uuid:session_id>/")
@blp.requires("accounts.me.write")
@blp.response(204)
def end_my_session(session_id: UUID) -> None:
    """Sign one of one's own devices out."""
    with transaction() as session:
        Devices(session).end(current_actor().person_id, session_id)


@blp.get("/accounts/profiles/")
@blp.requires("accounts.user.read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(PersonProfileSchema))
def list_profiles(args: dict[str, Any]) -> dict[str, Any]:
    """Everybody's profile, newest first."""
    profiles = select(Profile).join(User, User.id == Profile.user_id).where(User.erased_at.is_(None))
    with reading() as session:
        return paginate(
            session, profiles, order=[Profile.user_id], args=args, present=lambda row: row.Profile
        )


def _devices(session: Session, user_id: UUID, args: dict[str, Any]) -> dict[str, Any]:
    found = Devices(session).of(user_id)
    return paginate(session, found, order=[RefreshFamily.id], args=args, present=lambda row: row)
