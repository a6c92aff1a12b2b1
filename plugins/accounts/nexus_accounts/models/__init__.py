"""People and what lets them in."""

from nexus_accounts.models.access import (
    ACTIVATION,
    EMAIL_CHANGE,
    PASSWORD_RESET,
    RefreshFamily,
    SingleUseToken,
)
from nexus_accounts.models.people import SELLER, Profile, User

__all__ = [
    "ACTIVATION",
    "EMAIL_CHANGE",
    "PASSWORD_RESET",
    "SELLER",
    "Profile",
    "RefreshFamily",
    "SingleUseToken",
    "User",
]
