"""Reading rates: for staff, and for orders."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import FromClause, Integer, Row, String, Uuid, bindparam, cast, select

from nexus_kernel import Pages, Reader, current_cache
from nexus_tax.errors import RateNotFound
from nexus_tax.models import PLACES, TaxRate
from nexus_tax.services.taxes import Rate

RATES = "tax:rates"
"""The cache tag of the rates."""
KEPT_SECONDS = 30
"""How long rates are kept at most: a process killed between commit and invalidation leaves them."""
RATE: FromClause = TaxRate.__table__
_PLAIN = (
    "id", "country", "region", "label", "rate", "included", "applies_to_shipping", "valid_from", "valid_to",
    "is_active", "created_at", "updated_at",
)  # fmt: skip
_SHOWN = select(*(RATE.c[name] for name in _PLAIN))
_BY_ID = _SHOWN.where(RATE.c.id == bindparam("id", type_=Uuid()))
_ORDER = (RATE.c.country, RATE.c.region, RATE.c.label, RATE.c.id)
_FOR_COUNTRY = (
    select(
        RATE.c.region,
        RATE.c.label,
        cast(RATE.c.rate * 10**PLACES, Integer).label("parts"),
        RATE.c.included,
        RATE.c.applies_to_shipping,
        RATE.c.valid_from,
        RATE.c.valid_to,
    )
    .where(RATE.c.country == bindparam("country", type_=String()), RATE.c.is_active)
    .order_by(RATE.c.region, RATE.c.label, RATE.c.id)
)


def _pages(*where: Any) -> Pages:
    statement = _SHOWN.where(*where)
    return Pages(lambda window: window.of(statement), counted=statement, order=_ORDER, descending=False)


_ALL, _OF_COUNTRY = _pages(), _pages(RATE.c.country == bindparam("country", type_=String()))


def rate_page(session: Reader, args: Mapping[str, Any]) -> dict[str, Any]:
    """One page of the rates by place and label, of one country where `country` is given. One query."""
    if "country" in args:
        return _OF_COUNTRY.page(session, args, _present, values={"country": args["country"]})
    return _ALL.page(session, args, _present)


def get_rate(session: Reader, rate_id: UUID) -> dict[str, Any]:
    """A rate. One query. Raises RateNotFound."""
    row = session.execute(_BY_ID, {"id": rate_id}).one_or_none()
    if row is None:
        raise RateNotFound("There is no such rate.")
    return _present(row)


def rates_for(session: Reader, country: str) -> tuple[Rate, ...]:
    """The active rates of a country and its regions, whenever they are valid. One query, or none.

    `country` is a checked code, so that few keys are kept.
    """

    def read() -> bytes:
        return orjson.dumps([row._asdict() for row in session.execute(_FOR_COUNTRY, {"country": country})])

    key = f"tax:rates:{country}"
    kept = current_cache().get_or_create(key, read, tags=(RATES,), seconds=KEPT_SECONDS, exact=False)
    return tuple(Rate.of(values) for values in orjson.loads(kept))


def _present(row: Row[Any]) -> dict[str, Any]:
    values = row._asdict()
    return {name: values[name] for name in _PLAIN} | {"rate": f"{row.rate.normalize():f}"}
