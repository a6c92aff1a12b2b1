"""Finding people: by what staff type, by role and by state."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, or_

from nexus_accounts.addresses import folded
from nexus_accounts.models import User

ORDERS: dict[str, tuple[list[Any], bool]] = {
    "-created_at": ([User.id], True),
    "created_at": ([User.id], False),
    "email": ([User.email_key, User.id], False),
    "-email": ([User.email_key, User.id], True),
}
"""The columns and the direction of each sort; ids sort by time."""


def narrowed(statement: Select[Any], filters: Mapping[str, Any]) -> Select[Any]:
    """The people of the statement who fit the filters `q`, `role`, `is_active` and `verified`."""
    if "q" in filters:
        statement = statement.where(*map(_has_word, filters["q"].split()))
    if "role" in filters:
        statement = statement.where(User.roles.contains([filters["role"]]))
    if "is_active" in filters:
        statement = statement.where(User.is_active == filters["is_active"])
    if "verified" in filters:
        unverified = User.email_verified_at.is_(None)
        statement = statement.where(~unverified if filters["verified"] else unverified)
    return statement


def _has_word(word: str) -> ColumnElement[bool]:
    """The word anywhere in address, username or names; one too short for trigrams begins one of them."""
    spellings = sorted({folded(word), word.lower()})
    return or_(*(User.search.like(_pattern(spelling), escape="\\") for spelling in spellings))


def _pattern(word: str) -> str:
    escaped = "".join(f"\\{letter}" if letter in "\\%_" else letter for letter in word)
    return f"%{escaped}%" if len(word) > 2 else f"% {escaped}%"
