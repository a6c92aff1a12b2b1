"""Routes: people, tokens, credentials, profiles."""

from nexus_accounts.views import credentials, people, registration, tokens
from nexus_accounts.views.blueprint import blp

__all__ = ["blp", "credentials", "people", "registration", "tokens"]
