"""A short list of banks and wallets; only telebirr's id is documented, the rest is illustrative."""

from typing import Any

_LISTED_SINCE = "2023-01-24T04:28:30.000000Z"

_ROWS = (
    # id, slug, SWIFT, name, account length, mobile money
    (946, "cbe_bank", "CBETETAA", "Commercial Bank of Ethiopia (CBE)", 13, False),
    (656, "awash_bank", "AWINETAA", "Awash Bank", 14, False),
    (880, "dashen_bank", "DASHETAA", "Dashen Bank", 13, False),
    (347, "bank_of_abyssinia", "ABYSETAA", "Bank of Abyssinia", 8, False),
    (855, "telebirr", "TELEBIRR", "telebirr", 10, True),
    (128, "cbebirr", "CBETETAA", "CBEBirr", 10, True),
    (266, "mpesa", "MPESA", "M-Pesa", 10, True),
)


def bank_list() -> list[dict[str, Any]]:
    """The rows of ``GET /v1/banks``."""
    return [
        {
            "id": identifier,
            "slug": slug,
            "swift": swift,
            "name": name,
            "acct_length": length,
            "country_id": 1,
            "is_mobilemoney": int(wallet) or None,
            "is_active": 1,
            "is_rtgs": 0 if wallet else 1,
            "is_24hrs": 1 if wallet else None,
            "currency": "ETB",
            "created_at": _LISTED_SINCE,
            "updated_at": _LISTED_SINCE,
        }
        for identifier, slug, swift, name, length, wallet in _ROWS
    ]
