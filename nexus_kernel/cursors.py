"""psycopg cursors that describe the columns of a result once, not for each result."""

from typing import Any

import psycopg

MOST_DESCRIPTIONS = 1024
_known: dict[tuple[tuple[bytes | None, int, int], ...], list[psycopg.Column]] = {}


class DescribedCursor(psycopg.Cursor[Any]):
    """A cursor that remembers descriptions by the names and types of the columns.

    SQLAlchemy asks each result for its description, and psycopg makes one object a column each time: a
    microsecond for each of the twenty columns of a product.
    """

    @property
    def description(self) -> list[psycopg.Column] | None:
        """As psycopg's; the list is shared, nobody changes it."""
        result = self.pgresult
        if result is None or not result.nfields:
            return super().description
        columns = range(result.nfields)
        key = tuple([(result.fname(i), result.ftype(i), result.fmod(i)) for i in columns])
        known = _known.get(key)
        if known is None:
            if len(_known) >= MOST_DESCRIPTIONS:
                _known.clear()
            known = _known[key] = super().description or []
        return known
