"""Slugs in every script: `ቀይ ፋኖስ` becomes `ቀይ-ፋኖስ`."""

import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

LONGEST = 80
"""Characters of a slug before its number; the columns hold 100."""
RESERVED = frozenset({"managed", "import", "export", "search", "facets", "suggestions"})
"""Words that stand where a slug would in the addresses of products."""
NUMBERED = 9
"""Up to this number a repeated slug is counted; after it, it ends in random characters."""


def slugify(text: str, fallback: str) -> str:
    """The letters, digits and combining marks of `text` in lower case, with hyphens between the words."""
    slug = "-".join(words(text))
    if len(slug) > LONGEST:
        slug = slug[: LONGEST + 1].rpartition("-")[0][:LONGEST] or slug[:LONGEST]
    if slug in RESERVED:
        return f"{slug}-{fallback}"
    return fallback if not slug or is_id(slug) else slug


def words(text: str) -> list[str]:
    """The words of `text` in lower case: runs of letters, digits and combining marks."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(c if _is_part_of_word(c) else " " for c in folded).split()


def is_id(text: str) -> bool:
    """True for the canonical form of a UUID, which routes take for an id."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def free_slugs(
    session: Session,
    column: InstrumentedAttribute[str],
    bases: Sequence[str],
    *scope: ColumnElement[bool],
    random: bool = False,
) -> list[str]:
    """A slug for each base, in order, that neither a stored row nor another of these has. One query.

    Between this look and the insert somebody else may take one: insert with ON CONFLICT DO NOTHING and come
    back for those that were not stored, with `random` when it keeps happening.
    """
    wanted = {slug for base in bases for slug in numbered(base)}
    taken = set(session.scalars(select(column).where(column.in_(wanted), *scope)))
    chosen: list[str] = []
    for base in bases:
        options: Iterable[str] = () if random else numbered(base)
        slug = next((s for s in options if s not in taken), random_slug(base))
        taken.add(slug)
        chosen.append(slug)
    return chosen


def numbered(base: str) -> list[str]:
    """The slugs to try for a base, in this order."""
    return [base, *(f"{base}-{number}" for number in range(2, NUMBERED + 1))]


def random_slug(base: str) -> str:
    """A slug for a base whose numbers are taken."""
    return f"{base}-{secrets.token_hex(4)}"


def _is_part_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
