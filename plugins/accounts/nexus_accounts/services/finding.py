"""Finding people: by what staff type, by role and by state."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, any_, cast, func, select
from sqlalchemy.dialects.postgresql import TSQUERY

from nexus_accounts.addresses import folded
from nexus_accounts.models.people import SEPARATORS, User

ORDERS: dict[str, tuple[list[Any], bool]] = {
    "-created_at": ([User.id], True),
    "created_at": ([User.id], False),
    "email": ([User.email_key, User.id], False),
    "-email": ([User.email_key, User.id], True),
}
"""The columns and the direction of each sort; ids sort by time."""
_BLANKS = dict.fromkeys(map(ord, SEPARATORS), " ")


def narrowed(statement: Select[Any], filters: Mapping[str, Any]) -> Select[Any]:
    """The people of the statement who fit the filters `q`, `role`, `is_active` and `verified`."""
    if "q" in filters:
        statement = statement.where(User.id == any_(_found(filters["q"].split())))
    if "role" in filters:
        statement = statement.where(User.roles.contains([filters["role"]]))
    if "is_active" in filters:
        statement = statement.where(User.is_active == filters["is_active"])
    if "verified" in filters:
        unverified = User.email_verified_at.is_(None)
        statement = statement.where(~unverified if filters["verified"] else unverified)
    return statement


def _found(words: list[str]) -> Any:
    """The ids of those who have all the words, as an array that the index of words gives.

    As a mere condition it would be a filter on the newest accounts: the planner does not know how rare the
    beginning of a word is, and reads the whole table for a rare one.
    """
    return func.array(select(User.id).where(*map(_has_word, words)).scalar_subquery())


def _has_word(word: str) -> ColumnElement[bool]:
    """The word, or each of its parts, begins a word of the address, the username or the names."""
    spellings = sorted({folded(word), word.lower(), word})
    choices = [f"({_begins([spelling])} | {_begins(_parts(spelling))})" for spelling in spellings]
    return User.search.op("@@", is_comparison=True)(cast(" | ".join(choices), TSQUERY))


def _begins(words: list[str]) -> str:
    escaped = (word.replace("\\", "\\\\").replace("'", "''") for word in words)
    return "(" + " & ".join(f"'{word}':*" for word in escaped) + ")"


def _parts(word: str) -> list[str]:
    return word.translate(_BLANKS).split() or [word]
