"""Routes: signing in, refreshing, signing out."""

from typing import Any

from nexus_accounts.schemas.tokens import (
    CredentialsSchema,
    RefreshSchema,
    TokenPairSchema,
    TokenSchema,
    VerifiedSchema,
)
from nexus_accounts.services.sessions import Families, sign_in
from nexus_accounts.views.blueprint import blp
from nexus_accounts.views.throttles import count_refresh, count_sign_in
from nexus_kernel import access_claims, client_network, reading

NO_STORE = {"Cache-Control": "no-store"}


@blp.post("/auth/jwt/create/")
@blp.public
@blp.arguments(CredentialsSchema)
@blp.response(200, TokenPairSchema)
def create_tokens(data: dict[str, Any]) -> Any:
    """Sign in."""
    count_sign_in()
    return sign_in(data["email"], data["password"], client_network()), NO_STORE


@blp.post("/auth/jwt/refresh/")
@blp.public
@blp.arguments(RefreshSchema)
@blp.response(200, TokenPairSchema)
def refresh_tokens(data: dict[str, Any]) -> Any:
    """Spend a refresh token for new tokens. A token that was spent before signs its device out."""
    count_refresh()
    with reading() as session:
        return Families(session).rotate(data["refresh"]), NO_STORE


@blp.post("/auth/jwt/verify/")
@blp.public
@blp.arguments(TokenSchema)
@blp.response(200, VerifiedSchema)
def verify_token(data: dict[str, Any]) -> dict[str, Any]:
    """Ask whether an access token holds at this moment: one of a revoked sign-in does not."""
    access_claims(data["token"])
    return {}


@blp.post("/auth/jwt/logout/")
@blp.public
@blp.arguments(RefreshSchema)
@blp.response(204)
def logout(data: dict[str, Any]) -> None:
    """Sign a device out: its refresh and access tokens end, the latter everywhere within seconds."""
    with reading() as session:
        Families(session).revoke(data["refresh"])
