"""Free text: every word of the query, or a word that begins with it, in title, SKUs and description.

PostgreSQL makes the query, in `catalog_search_query`: it folds case, accents and Amharic homophones like the
index, and lets a word that nothing in the shop begins with stand for the words most like it. At most `MOST`
matches are ranked; of a query with more, which tells little apart, the newest come first, along an index.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    Boolean,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union_all,
)

from nexus_catalog.services.filters import LISTING
from nexus_kernel import Window

MOST = 3_000
"""Matches that are ranked and counted; more are met without rank."""
WEIGHTS = literal_column("'{0.1,0.2,0.7,1.0}'::real[]", ARRAY(REAL))
"""Of the description, (nothing), the title and the SKUs; see `ts_rank`."""


_MADE = select(func.catalog_search_query(bindparam("q", type_=Text())).label("query")).cte("query")
QUERY: ScalarSelect[Any] = select(_MADE.c.query).scalar_subquery()
"""What to look for, made once a statement out of the parameter `q`."""


def matches() -> ColumnElement[bool]:
    """The condition that a listing matches, answered by the index."""
    return LISTING.c.search.op("@@", return_type=Boolean())(QUERY)


RELEVANCE: ColumnElement[int] = cast(
    func.ts_rank(WEIGHTS, LISTING.c.search, QUERY) * literal_column("1000000"), Integer
)
"""How well a listing matches, as an integer, so that a cursor holds it exactly."""
BY_RELEVANCE = (RELEVANCE, LISTING.c.product_id)


def found(keys: Select[Any], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Those of the listings that match, at most one more than `MOST`."""
    columns = (column.label(f"key_{place}") for place, column in enumerate(order))
    return keys.add_columns(*columns).where(matches()).limit(literal_column(str(MOST + 1)))


def page(window: Window, keys: Select[Any], order: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """A page of the listings that match and pass the filters of `keys`, with `total` and `total_exact`.

    Up to `MOST` are sorted. If there are more, the index of the order is walked until the page is full: the
    planner must not look for them by the text, hence the coalesce.
    """
    few = found(keys, order).cte("found")
    total = select(func.count().label("number")).select_from(few).cte("total")
    number = select(total.c.number).scalar_subquery()
    most = literal_column(str(MOST))
    sorted_keys = [few.c[f"key_{place}"] for place in range(len(order))]
    ranked = window.of(select(few.c.product_id, few.c.variant_id).where(number <= most), sorted_keys)
    unranked: Sequence[ColumnElement[Any]] = order
    if order is BY_RELEVANCE:
        unranked = (cast(literal_column("0"), Integer), LISTING.c.product_id)
    walked = window.of(
        keys.where(func.coalesce(matches(), literal_column("false")), number > most),
        unranked,
        constant=1 if order is BY_RELEVANCE else 0,
    )
    both = union_all(select(ranked.subquery("ranked")), select(walked.subquery("walked"))).subquery("either")
    return (
        select(both, func.least(number, most).label("total"), (number <= most).label("total_exact"))
        .order_by(*window.sort(both))
        .limit(literal_column(str(window.rows)))
    )
