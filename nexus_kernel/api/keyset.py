"""The total order of a list, cursors that hold a place in it, and windows that cut out its pages."""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    bindparam,
    literal_column,
    tuple_,
)

from nexus_kernel.errors import invalid_field


@dataclass(frozen=True)
class Order:
    """Columns that are never NULL, all in the same direction; the last one is unique."""

    columns: tuple[ColumnElement[Any], ...]
    descending: bool = True

    @cached_property
    def tag(self) -> str:
        """Tells cursors of this order from those of others."""
        text = f"{[str(column) for column in self.columns]}{self.descending}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @cached_property
    def readers(self) -> tuple[Callable[[Any], Any], ...]:
        """What makes each column's value again out of JSON."""
        return tuple(_reader(column.type.python_type) for column in self.columns)

    def encode(self, row: Any, backwards: bool) -> str:
        """The cursor from which a walk goes on behind this row, which has the columns `order_0` and so on."""
        values = [getattr(row, f"order_{i}") for i in range(len(self.columns))]
        raw = orjson.dumps([self.tag, backwards, *values], default=str)
        return urlsafe_b64encode(raw).decode().rstrip("=")

    def decode(self, cursor: str) -> tuple[bool, list[Any]]:
        """Whether the walk goes backwards, and the key of the row. Raises Invalid for a foreign cursor."""
        try:
            raw = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            tag, backwards, *values = orjson.loads(raw)
            if tag != self.tag or not isinstance(backwards, bool):
                raise ValueError("made for another order")
            return backwards, [read(v) for v, read in zip(values, self.readers, strict=True)]
        except (ValueError, TypeError, AttributeError, ArithmeticError, binascii.Error):
            raise invalid_field("cursor", "Take it unchanged from a next or previous link.") from None


@dataclass(frozen=True)
class Window:
    """A page of a list: where it begins and how many rows it has. Without `keyed` and `offset`, the first.

    What changes with every request is a parameter: `after_0` and so on for a cursor, `page_offset`.
    """

    order: Order
    rows: int
    backwards: bool = False
    keyed: bool = False
    offset: bool = False

    def of(
        self, statement: Select[Any], columns: Sequence[ColumnElement[Any]] = (), *, constant: int = 0
    ) -> Select[Any]:
        """The statement cut down to this page, with the order's columns as `order_0` and so on.

        `columns` stand in for those of the order where the statement has others of the same meaning; the
        first `constant` of them are the same in all of its rows.
        """
        keys = tuple(columns) or self.order.columns
        cut = statement.add_columns(*(key.label(f"order_{i}") for i, key in enumerate(keys)))
        apart = keys[constant:]
        if self.keyed:
            after = [bindparam(f"after_{i}", type_=key.type) for i, key in enumerate(self.order.columns)]
            here, there = tuple_(*apart), tuple_(*after[constant:])
            cut = cut.where(here < there if self._falling else here > there)
        cut = cut.order_by(*self._sorted(apart)).limit(literal_column(str(self.rows)))
        return cut.offset(bindparam("page_offset", type_=Integer())) if self.offset else cut

    def sort(self, page: FromClause) -> list[ColumnElement[Any]]:
        """ORDER BY for a statement that joins more to the rows of a page."""
        return self._sorted([page.c[f"order_{i}"] for i in range(len(self.order.columns))])

    def keys(self, page: FromClause) -> list[ColumnElement[Any]]:
        """The columns that such a statement has to pass on, for cursors."""
        return [page.c[f"order_{i}"] for i in range(len(self.order.columns))]

    @property
    def _falling(self) -> bool:
        return self.order.descending != self.backwards

    def _sorted(self, keys: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        return [key.desc() if self._falling else key.asc() for key in keys]


def _reader(kind: type) -> Callable[[Any], Any]:
    if kind is datetime:
        return datetime.fromisoformat
    if kind in (UUID, Decimal):
        return kind

    def same(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"{value!r} is no {kind.__name__}")
        return value

    return same
