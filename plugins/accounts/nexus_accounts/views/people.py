"""Routes: accounts and profiles."""

from typing import Any

from nexus_accounts.config import AccountsConfig
from nexus_accounts.models import User
from nexus_accounts.schemas.people import (
    MeSchema,
    MeUpdateSchema,
    ProfileChangeSchema,
    ProfileFormSchema,
    ProfileSchema,
)
from nexus_accounts.services import avatars
from nexus_accounts.services.people import Accounts
from nexus_accounts.views.blueprint import blp
from nexus_kernel import (
    current_actor,
    reading,
    settings,
    transaction,
)


@blp.get("/auth/users/me/")
@blp.requires("accounts.me.read")
@blp.response(200, MeSchema)
def get_me() -> User:
    """One's own account."""
    with reading() as session:
        return Accounts(session).get_own(current_actor().person_id)


@blp.patch("/auth/users/me/")
@blp.requires("accounts.me.write")
@blp.arguments(MeUpdateSchema)
@blp.response(200, MeSchema)
def update_me(changes: dict[str, Any]) -> User:
    """Change one's own account."""
    with transaction() as session:
        return Accounts(session).change_own(current_actor().person_id, changes)


@blp.get("/accounts/profiles/me/")
@blp.requires("accounts.me.read")
@blp.response(200, ProfileSchema)
def get_profile() -> Any:
    """One's own profile."""
    with reading() as session:
        return Accounts(session).get_own(current_actor().person_id).profile


@blp.patch("/accounts/profiles/me/")
@blp.requires("accounts.me.write")
@blp.multipart(
    ProfileFormSchema, limit=lambda: settings(AccountsConfig).max_avatar_bytes, json=ProfileChangeSchema
)
@blp.response(200, ProfileSchema)
def update_profile(changes: dict[str, Any]) -> Any:
    """Change one's own profile: as JSON, or as a form with a picture."""
    return avatars.change_profile(current_actor().person_id, changes)
