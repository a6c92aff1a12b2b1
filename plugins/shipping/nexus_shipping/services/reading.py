"""Reading methods: for lists, and for the parcels that are priced."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import FromClause, Row, Select, String, Uuid, bindparam, func, or_, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by

from nexus_kernel import Money, Pages, Reader, current_cache
from nexus_shipping.errors import MethodNotFound
from nexus_shipping.models import ShippingBand, ShippingMethod
from nexus_shipping.services.offers import Method

METHODS = "shipping:methods"
"""The cache tag of everything that shows or prices methods."""
KEPT_SECONDS = 30
"""How long methods are kept at most: a process killed between commit and invalidation leaves them."""
METHOD: FromClause = ShippingMethod.__table__
BAND: FromClause = ShippingBand.__table__
_OFFERED = ("code", "title", "description", "currency", "min_days", "max_days")
_BAND = ("country", "region", "min_weight_grams", "max_weight_grams", "price_minor", "free_from_minor")
_PLAIN = ("id", *_OFFERED, "position", "is_active", "created_at", "updated_at")


def _bands(*where: Any) -> Any:
    """The bands of a method as JSON, by place and weight; everywhere else comes last."""
    pairs = [part for name in _BAND for part in (text(f"'{name}'"), BAND.c[name])]
    order = (BAND.c.country.asc().nulls_last(), BAND.c.region, BAND.c.min_weight_grams)
    every = func.jsonb_agg(aggregate_order_by(func.jsonb_build_object(*pairs), *order))
    found = select(func.coalesce(every, text("'[]'::jsonb"))).where(BAND.c.method_id == METHOD.c.id, *where)
    return found.scalar_subquery().label("bands")


_SHOWN = select(*(METHOD.c[name] for name in _PLAIN), _bands())
_BY_ID = _SHOWN.where(METHOD.c.id == bindparam("id", type_=Uuid()))
_FOR_COUNTRY = (
    select(
        *(METHOD.c[name] for name in _OFFERED),
        _bands(or_(BAND.c.country == bindparam("country", type_=String()), BAND.c.country.is_(None))),
    )
    .where(METHOD.c.is_active)
    .order_by(METHOD.c.position, METHOD.c.code)
)


def _pages(statement: Select[Any]) -> Pages:
    order = (METHOD.c.position, METHOD.c.code)
    return Pages(lambda window: window.of(statement), counted=statement, order=order, descending=False)


_ACTIVE, _ALL = _pages(_SHOWN.where(METHOD.c.is_active)), _pages(_SHOWN)


def method_page(session: Reader, args: Mapping[str, Any], *, everything: bool) -> dict[str, Any]:
    """One page of the active methods by position, or of every method. One query."""
    return (_ALL if everything else _ACTIVE).page(session, args, _present)


def get_method(session: Reader, method_id: UUID) -> dict[str, Any]:
    """A method with its bands. One query. Raises MethodNotFound."""
    row = session.execute(_BY_ID, {"id": method_id}).one_or_none()
    if row is None:
        raise MethodNotFound("There is no such method.")
    return _present(row)


def methods_for(session: Reader, country: str) -> tuple[Method, ...]:
    """The active methods in order, each with what it costs for this country. One query, or none.

    `country` is a checked code, so that few keys are kept.
    """

    def read() -> bytes:
        return orjson.dumps([row._asdict() for row in session.execute(_FOR_COUNTRY, {"country": country})])

    key = f"shipping:methods_for:{country}"
    kept = current_cache().get_or_create(key, read, tags=(METHODS,), seconds=KEPT_SECONDS, exact=False)
    return tuple(Method.of(values) for values in orjson.loads(kept))


def _present(row: Row[Any]) -> dict[str, Any]:
    values = row._asdict()
    return {name: values[name] for name in _PLAIN} | {
        "bands": [_present_band(band, row.currency) for band in row.bands]
    }


def _present_band(band: Mapping[str, Any], currency: str) -> dict[str, Any]:
    free_from = band["free_from_minor"]
    return {name: band[name] for name in _BAND[:4]} | {
        "price": str(Money(band["price_minor"], currency)),
        "free_from": None if free_from is None else str(Money(free_from, currency)),
    }
