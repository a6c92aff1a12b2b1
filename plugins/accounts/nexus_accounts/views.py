"""Routes: people, tokens, profiles."""

from typing import Any
from uuid import UUID

from flask import request

from nexus_accounts import registration
from nexus_accounts.models import User
from nexus_accounts.schemas import (
    ActivationSchema,
    CredentialsSchema,
    MeSchema,
    MeUpdateSchema,
    ProfileSchema,
    ProfileUpdateSchema,
    RefreshSchema,
    RegisteredSchema,
    RegisterSchema,
    ResendActivationSchema,
    TokenPairSchema,
    TokenSchema,
    UserSchema,
    VerifiedSchema,
)
from nexus_accounts.services import Accounts
from nexus_accounts.sessions import Families, sign_in
from nexus_kernel import (
    BadRequest,
    Blueprint,
    PageQuery,
    current_actor,
    page_of,
    paginate,
    reading,
    transaction,
    verified_claims,
)

blp = Blueprint("accounts", __name__, url_prefix="/api", description="People, sign-in and profiles")

NO_STORE = {"Cache-Control": "no-store"}


@blp.before_request
def refuse_empty_changes() -> None:
    """Nothing at all is no JSON; `{}` is a change of nothing."""
    if request.method == "PATCH" and not request.get_data():
        raise BadRequest("Send a JSON object.")


@blp.post("/auth/users/")
@blp.public
@blp.arguments(RegisterSchema)
@blp.response(201, RegisteredSchema)
def register(data: dict[str, Any]) -> dict[str, Any]:
    """Register. A known address is answered like a new one; its owner finds out by mail, if at all."""
    registration.register(data)
    return data


@blp.post("/auth/users/activation/")
@blp.public
@blp.arguments(ActivationSchema)
@blp.response(204)
def activate(data: dict[str, Any]) -> None:
    """Confirm an e-mail address with the link that was mailed to it.

    `password` becomes the account's and signs every device out. It is demanded (422
    `accounts.password_required`, the link still works) when several passwords were registered.
    """
    registration.activate(data["uid"], data["token"], data["password"])


@blp.post("/auth/users/resend_activation/")
@blp.public
@blp.arguments(ResendActivationSchema)
@blp.response(204)
def resend_activation(data: dict[str, Any]) -> None:
    """Ask for another activation mail. The answer says nothing about the address."""
    with transaction():
        registration.ask_for_link(data["email"])


@blp.get("/auth/users/")
@blp.requires("accounts.user.read")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(UserSchema))
def list_users(args: dict[str, Any]) -> dict[str, Any]:
    """Everybody, newest first."""
    with reading() as session:
        everybody = Accounts(session).all()
        return paginate(session, everybody, order=[User.id], args=args, present=lambda row: row.User)


@blp.get("/auth/users/<uuid:user_id>/")
@blp.requires("accounts.user.read")
@blp.response(200, UserSchema)
def get_user(user_id: UUID) -> User:
    """One account."""
    with reading() as session:
        return Accounts(session).get(user_id)


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
@blp.arguments(ProfileUpdateSchema)
@blp.response(200, ProfileSchema)
def update_profile(changes: dict[str, Any]) -> Any:
    """Change one's own profile."""
    with transaction() as session:
        return Accounts(session).change_own(current_actor().person_id, {"profile": changes}).profile


@blp.post("/auth/jwt/create/")
@blp.public
@blp.arguments(CredentialsSchema)
@blp.response(200, TokenPairSchema)
def create_tokens(data: dict[str, Any]) -> Any:
    """Sign in."""
    return sign_in(data["email"], data["password"]), NO_STORE


@blp.post("/auth/jwt/refresh/")
@blp.public
@blp.arguments(RefreshSchema)
@blp.response(200, TokenPairSchema)
def refresh_tokens(data: dict[str, Any]) -> Any:
    """Spend a refresh token for new tokens. A token that was spent before signs its device out."""
    with reading() as session:
        return Families(session).rotate(data["refresh"]), NO_STORE


@blp.post("/auth/jwt/verify/")
@blp.public
@blp.arguments(TokenSchema)
@blp.response(200, VerifiedSchema)
def verify_token(data: dict[str, Any]) -> dict[str, Any]:
    """Ask whether an access token holds."""
    verified_claims(data["token"], "access")
    return {}


@blp.post("/auth/jwt/logout/")
@blp.public
@blp.arguments(RefreshSchema)
@blp.response(204)
def logout(data: dict[str, Any]) -> None:
    """Sign a device out: its refresh tokens end at once, its access token within minutes."""
    with reading() as session:
        Families(session).revoke(data["refresh"])
