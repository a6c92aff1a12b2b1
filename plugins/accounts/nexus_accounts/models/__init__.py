"""People, what lets them in, and what is written down about it."""

from nexus_accounts.models.access import (
    ACTIVATION,
    EMAIL_CHANGE,
    PASSWORD_RESET,
    RefreshFamily,
    SingleUseToken,
)
from nexus_accounts.models.address_book import SavedAddress
from nexus_accounts.models.api_keys import ApiKey
from nexus_accounts.models.applications import ApplicationStatus, SellerApplication
from nexus_accounts.models.audit import Act, AuditEntry
from nexus_accounts.models.people import SELLER, Profile, User

TABLES = (User, Profile, RefreshFamily, SingleUseToken, ApiKey, SellerApplication, SavedAddress, AuditEntry)

__all__ = [
    "ACTIVATION",
    "EMAIL_CHANGE",
    "PASSWORD_RESET",
    "SELLER",
    "TABLES",
    "Act",
    "ApiKey",
    "ApplicationStatus",
    "AuditEntry",
    "Profile",
    "RefreshFamily",
    "SavedAddress",
    "SellerApplication",
    "SingleUseToken",
    "User",
]
