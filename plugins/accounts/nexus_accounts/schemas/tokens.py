"""Bodies of signing in and out."""

import marshmallow as ma

from nexus_accounts.schemas.fields import Password, TokenText
from nexus_kernel import Schema, Text


class CredentialsSchema(Schema):
    """What one signs in with."""

    email = Text(254, minimum=1, required=True, metadata={"format": "email"})
    password = Password(required=True)


class TokenPairSchema(Schema):
    """A short-lived access token, and a refresh token that is good for one use."""

    access = ma.fields.String(required=True)
    refresh = ma.fields.String(required=True)


class RefreshSchema(Schema):
    """A refresh token."""

    refresh = TokenText()


class TokenSchema(Schema):
    """An access token."""

    token = TokenText()


class VerifiedSchema(Schema):
    """An empty object: the token holds."""
