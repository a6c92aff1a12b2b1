"""Routes: keys of machine clients."""

from typing import Any
from uuid import UUID

from nexus_accounts.models import ApiKey
from nexus_accounts.schemas.api_keys import ApiKeySchema, IssuedApiKeySchema, NewApiKeySchema
from nexus_accounts.services.api_keys import ApiKeys
from nexus_accounts.views.blueprint import blp
from nexus_kernel import PageQuery, current_actor, page_of, paginate, reading, transaction


@blp.get("/accounts/api_keys/")
@blp.requires("accounts.api_key.use")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(ApiKeySchema))
def list_api_keys(args: dict[str, Any]) -> dict[str, Any]:
    """One's own keys that were not revoked."""
    with reading() as session:
        mine = ApiKeys(session, current_actor()).mine()
        return paginate(session, mine, order=[ApiKey.id], args=args, present=lambda row: row.ApiKey)


@blp.post("/accounts/api_keys/")
@blp.requires("accounts.api_key.use")
@blp.arguments(NewApiKeySchema)
@blp.response(201, IssuedApiKeySchema)
def create_api_key(data: dict[str, Any]) -> dict[str, Any]:
    """Make a key. The answer is the only one that shows it whole."""
    with transaction() as session:
        return ApiKeys(session, current_actor()).issue(**data)


@blp.delete("/accounts/api_keys/<uuid:key_id>/")
@blp.requires("accounts.api_key.use")
@blp.response(204)
def revoke_api_key(key_id: UUID) -> None:
    """End a key. It stops within five seconds."""
    with transaction() as session:
        ApiKeys(session, current_actor()).revoke(key_id)
