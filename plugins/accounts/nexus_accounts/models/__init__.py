"""People and what lets them in."""

from nexus_accounts.models.access import ACTIVATION, RefreshFamily, SingleUseToken
from nexus_accounts.models.people import SELLER, Profile, User

__all__ = ["ACTIVATION", "SELLER", "Profile", "RefreshFamily", "SingleUseToken", "User"]
