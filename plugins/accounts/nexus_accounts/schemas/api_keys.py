"""Bodies of API keys."""

from datetime import UTC
from typing import Any

import marshmallow as ma

from nexus_kernel import Schema, Text, now


class ApiKeySchema(Schema):
    """An API key without its secret."""

    id = ma.fields.UUID(required=True)
    name = ma.fields.String(required=True)
    prefix = ma.fields.String(required=True, metadata={"description": "The key begins with nxk_<prefix>_."})
    scopes = ma.fields.List(ma.fields.String(), required=True)
    created_at = ma.fields.DateTime(required=True)
    expires_at = ma.fields.DateTime(required=True, allow_none=True)
    last_used_at = ma.fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Exact to ten minutes."}
    )


class IssuedApiKeySchema(ApiKeySchema):
    """A new API key, with what is never shown again."""

    key = ma.fields.String(
        required=True, metadata={"description": "Send it as `Authorization: ApiKey <key>`."}
    )


class NewApiKeySchema(Schema):
    """What a key is for, and what it may do."""

    name = Text(100, minimum=1, required=True)
    scopes = ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(min=1, max=100)),
        required=True,
        validate=ma.validate.Length(min=1, max=100),
        metadata={"description": "Permission codes that its owner has."},
    )
    expires_at = ma.fields.AwareDateTime(default_timezone=UTC, load_default=None, allow_none=True)

    @ma.validates("expires_at")
    def check_expiry(self, value: Any, data_key: str) -> None:
        """A key that has ended is a mistake."""
        if value is not None and value <= now():
            raise ma.ValidationError("Must be in the future.")
