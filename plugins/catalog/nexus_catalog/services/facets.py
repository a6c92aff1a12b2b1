"""Facets: how many products each further choice would leave.

One statement over at most `MOST` products that pass what is no facet: the text, the seller, and the part of
the category tree in sight. Each notes which facets' filters it passes, and a facet counts those that pass the
others.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from nexus_catalog.services.filters import (
    AVAILABLE,
    CATEGORY,
    CONDITIONS,
    LISTING,
    STOCK,
    read_filters,
)
from nexus_catalog.services.search import matches
from nexus_kernel import Money, Reader
from nexus_kernel.currencies import EXPONENTS
from nexus_kernel.money import LARGEST_MINOR

MOST = 4_000
"""Products that are looked at: the newest, or with `q` any; with more of them nothing is exact."""
BANDS = 6
CATEGORIES = 50
"""The largest categories are named."""
RATINGS = (4, 3, 2, 1)
_KINDS: Mapping[str, tuple[str, ...]] = {
    "category": ("category_id", "category_slug"),
    "price": ("min_price", "max_price"),
    "rating": ("min_rating",),
    "stock": ("in_stock", "out_of_stock"),
}


def facets(session: Reader, args: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The counts for the filters of `args`. One query. Raises Invalid like the list."""
    filters = read_filters(args, currency)
    edges = _edges(currency)
    row = session.execute(
        _statement(frozenset(filters)), {**filters, "currency": currency, "edges": edges}
    ).one()
    return {
        "count": row.number,
        "exact": row.seen < MOST,
        "currency": currency,
        "categories": row.categories or [],
        "prices": _bands(row.prices or [], edges, currency),
        "ratings": [{"min_rating": least, "count": getattr(row, f"rated_{least}")} for least in RATINGS],
        "availability": [
            {"in_stock": True, "count": row.available},
            {"in_stock": False, "count": row.sold_out},
        ],
    }


@lru_cache(maxsize=256)
def _statement(names: frozenset[str]) -> Select[Any]:
    tops = _tops(names)
    tree = select(tops.c.id.label("top"), tops.c.id).cte("tree", recursive=True)
    tree = tree.union_all(select(tree.c.top, CATEGORY.c.id).where(CATEGORY.c.parent_id == tree.c.id))
    seen = _seen(names, tree)

    def passing(*but: str) -> ColumnElement[bool]:
        return and_(true(), *(seen.c[kind] for kind in _KINDS if kind not in but))

    def number(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(and_(*conditions))

    in_currency = seen.c.currency == bindparam("currency")
    bucket = func.width_bucket(seen.c.price_minor, bindparam("edges", type_=ARRAY(BigInteger)))
    bands = select(bucket.label("bucket"), func.count().label("number"))
    bands = bands.where(passing("price"), in_currency).group_by(bucket).subquery()
    sums = select(
        func.count().label("seen"),
        number(passing()).label("number"),
        number(passing("stock"), seen.c.available).label("available"),
        number(passing("stock"), ~seen.c.available).label("sold_out"),
        *(number(passing("rating"), seen.c.rating_average >= n).label(f"rated_{n}") for n in RATINGS),
    ).subquery()
    prices = select(func.json_agg(func.json_build_array(bands.c.bucket, bands.c.number))).scalar_subquery()
    return select(
        sums, prices.label("prices"), _categories(tree, seen, passing("category")).label("categories")
    )


def _tops(names: frozenset[str]) -> Any:
    """The categories to choose from: those below the chosen one, or else beside it; the roots at first."""
    chosen = next((CATEGORY.c[name.partition("_")[2]] == bindparam(name) for name in _chosen(names)), None)
    if chosen is None:
        return select(CATEGORY.c.id).where(CATEGORY.c.parent_id.is_(None)).cte("tops")
    here = select(CATEGORY.c.id, CATEGORY.c.parent_id).where(chosen).cte("here")
    below = select(CATEGORY.c.id).where(CATEGORY.c.parent_id.in_(select(here.c.id))).cte("below")
    beside = select(CATEGORY.c.id).join(here, CATEGORY.c.parent_id.is_not_distinct_from(here.c.parent_id))
    return select(below.c.id).union(beside.where(~select(below.c.id).exists())).cte("tops")


def _seen(names: frozenset[str], tree: Any) -> Any:
    """The products that are looked at, each with what the facets ask and whether it passes their filters.

    They are cut down before they meet the stock, one by one: the planner would rather read the stock of the
    whole shop, which costs more the larger it is, so OFFSET keeps it from that.
    """
    flags = {
        kind: func.coalesce(and_(true(), *_conditions(own, names)), literal_column("false")).label(kind)
        for kind, own in _KINDS.items()
    }
    columns = (LISTING.c.category_id, LISTING.c.price_minor, LISTING.c.currency, LISTING.c.rating_average)
    few = select(LISTING.c.variant_id, *columns, *(flags[kind] for kind in ("category", "price", "rating")))
    if chosen := _chosen(names):
        in_sight = func.array(select(tree.c.id).scalar_subquery(), type_=ARRAY(Uuid()))
        few = few.where(or_(*CONDITIONS[chosen[0]], LISTING.c.category_id == any_(in_sight)))
    if "seller" in names:
        few = few.where(*CONDITIONS["seller"])
    if "q" in names:
        few = few.where(matches())
    else:
        few = few.order_by(LISTING.c.created_at.desc(), LISTING.c.product_id.desc())
    found = few.limit(literal_column(str(MOST))).subquery("few")
    stock = select((literal_column("0") < AVAILABLE).label("available"), flags["stock"])
    stock = stock.where(STOCK.c.variant_id == found.c.variant_id).offset(literal_column("0"))
    each = stock.lateral("each")
    return select(found, each.c.available, each.c.stock).select_from(found.join(each, true())).cte("seen")


def _conditions(own: Iterable[str], names: frozenset[str]) -> Iterable[ColumnElement[bool]]:
    return chain.from_iterable(CONDITIONS[name] for name in own if name in names)


def _categories(tree: Any, seen: Any, passing: ColumnElement[bool]) -> ColumnElement[Any]:
    number = func.count().label("number")
    counted = (
        select(tree.c.top, number)
        .join(seen, seen.c.category_id == tree.c.id)
        .where(passing)
        .group_by(tree.c.top)
        .order_by(number.desc(), tree.c.top)
        .limit(literal_column(str(CATEGORIES)))
        .subquery()
    )
    named = func.json_build_object(
        "id", CATEGORY.c.id, "name", CATEGORY.c.name, "slug", CATEGORY.c.slug, "count", counted.c.number
    )
    largest = func.json_agg(
        aggregate_order_by(named, counted.c.number.desc(), CATEGORY.c.name, CATEGORY.c.id)
    )
    return (
        select(largest).select_from(counted.join(CATEGORY, CATEGORY.c.id == counted.c.top)).scalar_subquery()
    )


def _chosen(names: frozenset[str]) -> list[str]:
    return [name for name in _KINDS["category"] if name in names]


@lru_cache
def _edges(currency: str) -> list[int]:
    """1, 2, 5, 10, 20, 50 and so on in major units of the currency, as minor units."""
    unit = 10 ** EXPONENTS[currency]
    steps = (unit * step * 10**power for power in range(16) for step in (1, 2, 5))
    return [edge for edge in steps if edge <= LARGEST_MINOR]


def _bands(found: Sequence[Sequence[int]], edges: Sequence[int], currency: str) -> list[dict[str, Any]]:
    """At most `BANDS` bands of about as many products each, between round prices."""
    counts = dict(map(tuple, found))
    if not counts:
        return []
    ends = [0, *edges, LARGEST_MINOR + 1]
    share = -(-sum(counts.values()) // BANDS)
    bands: list[list[int]] = []
    for bucket in range(min(counts), max(counts) + 1):
        number = counts.get(bucket, 0)
        if bands and ((bands[-1][2] < share and bands[-1][2] + number <= 2 * share) or not number):
            bands[-1][1:] = [ends[bucket + 1], bands[-1][2] + number]
        else:
            bands.append([ends[bucket], ends[bucket + 1], number])
    return [
        {
            "min_price": str(Money(low, currency)),
            "max_price": str(Money(high - 1, currency)),
            "count": number,
        }
        for low, high, number in bands
    ]
