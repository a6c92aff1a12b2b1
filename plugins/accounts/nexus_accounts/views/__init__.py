"""Routes: people, tokens, credentials, profiles."""

from nexus_accounts.views import (
    address_book,
    administration,
    api_keys,
    applications,
    audit,
    avatars,
    credentials,
    erasure,
    people,
    registration,
    tokens,
)
from nexus_accounts.views.blueprint import blp

__all__ = [
    "address_book",
    "administration",
    "api_keys",
    "applications",
    "audit",
    "avatars",
    "blp",
    "credentials",
    "erasure",
    "people",
    "registration",
    "tokens",
]
