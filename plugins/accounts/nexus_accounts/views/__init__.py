"""Routes: people, tokens, profiles."""

from nexus_accounts.views import avatars, people, registration, tokens
from nexus_accounts.views.blueprint import blp

__all__ = ["avatars", "blp", "people", "registration", "tokens"]
