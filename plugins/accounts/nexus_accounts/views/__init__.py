"""Routes: people, tokens, profiles."""

from nexus_accounts.views import people, registration, tokens
from nexus_accounts.views.blueprint import blp

__all__ = ["blp", "people", "registration", "tokens"]
