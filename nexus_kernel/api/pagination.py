"""Lists: `{count, count_exact, next, previous, results}`, by page number or by keyset cursor.

A cursor holds the order key of a row, so its page costs the same at any depth. Without parameters the first
page links on by cursor; `page=N` links on by number, and is read from the nearer end where counts are cached.
Links hold the known parameters and nothing else, so that a page can be cached for everybody.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
import orjson
from flask import current_app, request
from sqlalchemy import Select, func, select

from nexus_kernel.api.keyset import Order, Window
from nexus_kernel.api.schema import QuerySchema, Schema
from nexus_kernel.db import Reader

COUNT_BOUND = 10_000
"""Counting stops here: `count` is then this number, there are more, and `count_exact` is false."""
NEAR = 1_000
"""Rows from which on a numbered page is worth a look at the count, to read it from the nearer end."""
_COUNTED = "rows_counted"
_PLACE = ("page", "page_size", "cursor", "sort")


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
class CachedCount:
    """Where the counts of a list are kept: one for each set of filters, which must be all that decides them.

    Not for a list whose rows depend on who asks.
    """

    key: str
    tags: tuple[str, ...]
    seconds: int = 60

    @property
    def is_kept(self) -> bool:
        """False while nothing is cached at all."""
        return bool(current_app.extensions["nexus"].cache.is_on)

    def get(self, filters: Mapping[str, Any], count: Callable[[], tuple[int, bool]]) -> tuple[int, bool]:
        """The number and whether it is exact; from `count` when it is not cached or the cache is down."""
        text = orjson.dumps(filters, default=str, option=orjson.OPT_SORT_KEYS)
        key = f"{self.key}:{hashlib.blake2b(text, digest_size=12).hexdigest()}"
        kept = current_app.extensions["nexus"].cache.get_or_create(
            key, lambda: orjson.dumps(count()), tags=self.tags, seconds=self.seconds
        )
        number, exact = orjson.loads(kept)
        return number, exact


class Pages:
    """A list whose statements are built once and run with the values of each request.

    `rows` builds the statement of a window (see `Window.of`); `counted` is a statement with the same rows and
    as few columns and joins as will do. A statement that knows how many rows there are says so in a column
    `total`, and in `total_exact`; then nothing else counts. Where counts are not cached, the statement of the
    rows counts as well: one round trip to the database instead of two.
    """

    def __init__(
        self,
        rows: Callable[[Window], Select[Any]],
        *,
        counted: Select[Any],
        order: Sequence[Any],
        descending: bool = True,
    ) -> None:
        self._order = Order(tuple(order), descending)
        self._rows = lru_cache(maxsize=16)(rows)
        self._counting_rows = lru_cache(maxsize=16)(self._with_count)
        self._counted = counted
        self._counts: dict[int | None, Select[Any]] = {}

    def page(
        self,
        session: Reader,
        args: Mapping[str, Any],
        present: Callable[[Any], Any],
        *,
        values: Mapping[str, Any] | None = None,
        count: CachedCount | None = None,
    ) -> dict[str, Any]:
        """One page. One query, and with `count` one more that counts, unless that is cached or plain to see.

        `args` are the loaded values of a `PageQuery`, `values` the parameters of the statements.
        Raises Invalid for a foreign cursor.
        """
        counter = _Counter(self, session, args, values or {}, count)
        if args.get("cursor"):
            return self._by_cursor(counter, args, present)
        return self._by_number(counter, args, present)

    def _by_cursor(self, counter: "_Counter", args: Mapping[str, Any], present: Any) -> dict[str, Any]:
        size = args["page_size"]
        backwards, key = self._order.decode(args["cursor"])
        window = Window(self._order, size + 1, backwards=backwards, keyed=True)
        rows = counter.run(window, {f"after_{i}": value for i, value in enumerate(key)})
        more, rows = len(rows) > size, rows[:size]
        if backwards:
            rows.reverse()
        following = bool(rows) and (more or backwards)
        preceding = bool(rows) and (more or not backwards)
        number, exact = counter.told(rows) or counter.count()
        return {
            "count": number,
            "count_exact": exact,
            "next": _link(args, cursor=self._order.encode(rows[-1], False)) if following else None,
            "previous": _link(args, cursor=self._order.encode(rows[0], True)) if preceding else None,
            "results": [present(row) for row in rows],
        }

    def _by_number(self, counter: "_Counter", args: Mapping[str, Any], present: Any) -> dict[str, Any]:
        size, page = args["page_size"], args.get("page")
        offset = ((page or 1) - 1) * size
        total = counter.everything() if offset >= NEAR else None
        if total is not None and 2 * offset > total:
            rows, more = self._from_the_end(counter, offset, size, total), offset + size < total
        else:
            window = Window(self._order, size + 1, offset=offset > 0)
            rows = counter.run(window, {"page_offset": offset} if offset else {}, counted=total is not None)
            more, rows = len(rows) > size, rows[:size]
        if total is not None:
            number, exact = total, True
        elif not more and (rows or not offset):
            number, exact = offset + len(rows), True
        else:
            number, exact = counter.told(rows) or counter.count()
        following = None
        if more:
            following = (
                _link(args, page=page + 1)
                if page
                else _link(args, cursor=self._order.encode(rows[-1], False))
            )
        return {
            "count": number,
            "count_exact": exact,
            "next": following,
            "previous": _link(args, page=page - 1) if page and page > 1 else None,
            "results": [present(row) for row in rows],
        }

    def _from_the_end(self, counter: "_Counter", offset: int, size: int, total: int) -> list[Any]:
        wanted = min(size, total - offset)
        if wanted <= 0:
            return []
        window = Window(self._order, wanted, backwards=True, offset=True)
        rows = counter.run(window, {"page_offset": total - offset - wanted}, counted=True)
        return rows[::-1]

    def rows_statement(self, window: Window, *, counting: bool) -> Select[Any]:
        """The rows of a window; with `counting` they say how many rows there are, unless they do anyhow."""
        return self._counting_rows(window) if counting else self._rows(window)

    def _with_count(self, window: Window) -> Select[Any]:
        rows = self._rows(window)
        if "total" in rows.selected_columns:
            return rows
        number = self.count_statement(COUNT_BOUND).correlate(None).scalar_subquery()
        return rows.add_columns(number.label(_COUNTED))

    def count_statement(self, bound: int | None) -> Select[Any]:
        """Counts the rows up to one more than `bound`."""
        if bound not in self._counts:
            each = self._counted.order_by(None)
            each = each.limit(bound + 1) if bound is not None else each
            self._counts[bound] = select(func.count()).select_from(each.subquery())
        return self._counts[bound]


@dataclass(frozen=True)
class _Counter:
    """Runs the statements of one request."""

    pages: Pages
    session: Reader
    args: Mapping[str, Any]
    values: Mapping[str, Any]
    cached: CachedCount | None

    def run(self, window: Window, extra: Mapping[str, Any], *, counted: bool = False) -> list[Any]:
        counting = not counted and (self.cached is None or not self.cached.is_kept)
        statement = self.pages.rows_statement(window, counting=counting)
        return list(self.session.execute(statement, {**self.values, **extra}))

    def told(self, rows: Sequence[Any]) -> tuple[int, bool] | None:
        """The count, where the rows say it."""
        known = rows[0]._fields if rows else ()
        if "total" in known:
            return rows[0].total, rows[0].total_exact
        return _bounded(rows[0]._mapping[_COUNTED], COUNT_BOUND) if _COUNTED in known else None

    def count(self) -> tuple[int, bool]:
        return self._kept(COUNT_BOUND)

    def everything(self) -> int | None:
        """The exact number of rows, where counts are cached."""
        if self.cached is None:
            return None
        number, exact = self.count()
        return number if exact else self._kept(None)[0]

    def _kept(self, bound: int | None) -> tuple[int, bool]:
        if self.cached is None:
            return self._count(bound)
        filters = {name: value for name, value in self.args.items() if name not in _PLACE}
        return self.cached.get({**filters, "bound": bound}, lambda: self._count(bound))

    def _count(self, bound: int | None) -> tuple[int, bool]:
        found = self.session.execute(self.pages.count_statement(bound), dict(self.values)).scalar_one()
        return _bounded(found, bound)


def _bounded(found: int, bound: int | None) -> tuple[int, bool]:
    return (found, True) if bound is None or found <= bound else (bound, False)


def paginate(
    session: Reader,
    statement: Select[Any],
    *,
    order: Sequence[Any],
    args: Mapping[str, Any],
    present: Callable[[Any], Any],
    descending: bool = True,
    count: CachedCount | None = None,
) -> dict[str, Any]:
    """One page of the statement's rows, each through `present`. One query, with `count` at most two.

    `order` is a total order of columns that are never NULL; the last one is unique. All run in the same
    direction. `args` are the loaded values of a `PageQuery`. Raises Invalid for a foreign cursor. A list that
    is read often builds its statements once, as `Pages`.
    """
    pages = Pages(lambda window: window.of(statement), counted=statement, order=order, descending=descending)
    return pages.page(session, args, present, count=count)


def _link(args: Mapping[str, Any], **replaced: Any) -> str:
    """The address of another page: the parameters of the schema in its order, and no others."""
    kept: list[tuple[str, Any]] = []
    for name, value in args.items():
        if name in request.args and name not in ("page", "cursor"):
            given = request.args.getlist(name)
            kept += [(name, text) for text in (given if isinstance(value, list | tuple | set) else given[:1])]
    return f"{request.path}?{urlencode([*kept, *replaced.items()])}"
