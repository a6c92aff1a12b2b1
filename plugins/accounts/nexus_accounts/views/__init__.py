"""Routes: people, tokens, profiles."""

from nexus_accounts.views import (
    administration,
    api_keys,
    applications,
    audit,
    erasure,
    people,
    registration,
    tokens,
)
from nexus_accounts.views.blueprint import blp

__all__ = [
    "administration",
    "api_keys",
    "applications",
    "audit",
    "blp",
    "erasure",
    "people",
    "registration",
    "tokens",
]
