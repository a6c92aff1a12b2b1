"""Lists: `{count, count_exact, next, previous, results}`, by page number or by keyset cursor.

A cursor holds the order key of a row, so its page costs the same at any depth. Without parameters the first
page links on by cursor; `page=N` links on by number.
"""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import marshmallow as ma
import orjson
from flask import request
from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import Session

from nexus_kernel.api.schema import QuerySchema, Schema
from nexus_kernel.errors import invalid_field

COUNT_BOUND = 10_000
"""Counting stops here: `count` is then this number and `count_exact` is false."""


class PageQuery(QuerySchema):
    """The parameters of every list."""

    page = ma.fields.Integer(
        validate=ma.validate.Range(1, 100_000), metadata={"description": "Page number, from 1."}
    )
    page_size = ma.fields.Integer(
        load_default=20, validate=ma.validate.Range(1, 100), metadata={"description": "Rows a page."}
    )
    cursor = ma.fields.String(
        validate=ma.validate.Length(max=500), metadata={"description": "From a `next` or `previous` link."}
    )


@cache
def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of a page of these items; its component is called like the item's with `Page`."""
    name = item.__name__.removesuffix("Schema") + "PageSchema"
    fields = {
        "count": ma.fields.Integer(required=True),
        "count_exact": ma.fields.Boolean(required=True),
        "next": ma.fields.String(required=True, allow_none=True),
        "previous": ma.fields.String(required=True, allow_none=True),
        "results": ma.fields.List(ma.fields.Nested(item), required=True),
        "__module__": item.__module__,
    }
    return type(name, (Schema,), fields)


@dataclass(frozen=True)
class _Order:
    columns: tuple[ColumnElement[Any], ...]
    descending: bool

    @property
    def tag(self) -> str:
        text = f"{[str(column) for column in self.columns]}{self.descending}"
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def clauses(self, backwards: bool) -> list[ColumnElement[Any]]:
        return [c.desc() if self.descending != backwards else c.asc() for c in self.columns]

    def after(self, key: Sequence[Any], backwards: bool) -> ColumnElement[bool]:
        here = tuple_(*self.columns)
        there = tuple_(*(literal(value, c.type) for value, c in zip(key, self.columns, strict=True)))
        return here < there if self.descending != backwards else here > there

    def encode(self, row: Any, backwards: bool) -> str:
        values = [getattr(row, f"order_{i}") for i in range(len(self.columns))]
        raw = orjson.dumps([self.tag, backwards, *values], default=str)
        return urlsafe_b64encode(raw).decode().rstrip("=")

    def decode(self, cursor: str) -> tuple[bool, list[Any]]:
        try:
            raw = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
            tag, backwards, *values = orjson.loads(raw)
            if tag != self.tag or not isinstance(backwards, bool):
                raise ValueError("made for another order")
            return backwards, [_typed(v, c) for v, c in zip(values, self.columns, strict=True)]
        except (ValueError, TypeError, AttributeError, ArithmeticError, binascii.Error):
            raise invalid_field("cursor", "Take it unchanged from a next or previous link.") from None


def paginate(
    session: Session,
    statement: Select[Any],
    *,
    order: Sequence[Any],
    args: Mapping[str, Any],
    present: Callable[[Any], Any],
    descending: bool = True,
) -> dict[str, Any]:
    """One page of the statement's rows, each through `present`. Two queries: the rows and the count.

    `order` is a total order of columns that are never NULL; the last one is unique. All run in the same
    direction. `args` are the loaded values of a `PageQuery`. Raises Invalid for a foreign cursor.
    """
    keys = _Order(tuple(order), descending)
    size = args["page_size"]
    labelled = statement.add_columns(*(c.label(f"order_{i}") for i, c in enumerate(keys.columns)))
    backwards, page = False, args.get("page")
    if args.get("cursor"):
        backwards, key = keys.decode(args["cursor"])
        labelled = labelled.where(keys.after(key, backwards))
    elif page:
        labelled = labelled.offset((page - 1) * size)
    rows = list(session.execute(labelled.order_by(*keys.clauses(backwards)).limit(size + 1)))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    count, exact = _count(session, statement)
    following, preceding = _links(keys, rows, args, more=more, backwards=backwards)
    return {
        "count": count,
        "count_exact": exact,
        "next": following,
        "previous": preceding,
        "results": [present(row) for row in rows],
    }


def _count(session: Session, statement: Select[Any]) -> tuple[int, bool]:
    bounded = (
        statement.with_only_columns(literal(1), maintain_column_froms=True)
        .order_by(None)
        .limit(COUNT_BOUND + 1)
        .subquery()
    )
    count = session.execute(select(func.count()).select_from(bounded)).scalar_one()
    return min(count, COUNT_BOUND), count <= COUNT_BOUND


def _links(
    keys: _Order, rows: list[Any], args: Mapping[str, Any], *, more: bool, backwards: bool
) -> tuple[str | None, str | None]:
    page, cursor = args.get("page"), args.get("cursor")
    if page and not cursor:
        return (_link(page=page + 1) if more else None, _link(page=page - 1) if page > 1 else None)
    has_next = bool(rows) and (more or backwards)
    has_previous = bool(rows) and (more if backwards else bool(cursor))
    following = _link(cursor=keys.encode(rows[-1], False)) if has_next else None
    return following, _link(cursor=keys.encode(rows[0], True)) if has_previous else None


def _link(**replaced: Any) -> str:
    kept = [(k, v) for k, v in request.args.items(multi=True) if k not in ("page", "cursor")]
    return f"{request.path}?{urlencode([*kept, *replaced.items()])}"


def _typed(value: Any, column: ColumnElement[Any]) -> Any:
    kind = column.type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind in (UUID, Decimal):
        return kind(value)
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
