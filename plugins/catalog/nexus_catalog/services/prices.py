"""The history of prices, which a trigger writes."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from nexus_catalog.errors import ProductNotFound
from nexus_catalog.models import PriceChange, Product, Variant
from nexus_catalog.services.ownership import changeable_by
from nexus_catalog.services.products import by_key
from nexus_kernel import Actor, Money, paginate

_CHANGES = select(
    PriceChange.id,
    PriceChange.variant_id,
    Variant.sku,
    PriceChange.old_price_minor,
    PriceChange.old_currency,
    PriceChange.new_price_minor,
    PriceChange.new_currency,
    PriceChange.actor_id,
    PriceChange.at,
).join(Variant, Variant.id == PriceChange.variant_id)


def price_history(session: Session, key: str, actor: Actor, args: Mapping[str, Any]) -> dict[str, Any]:
    """The changes of the prices of a product's variants, the newest first; three queries.

    Raises ProductNotFound.
    """
    product_id = session.execute(select(Product.id).where(by_key(key), changeable_by(actor))).scalar()
    if product_id is None:
        raise ProductNotFound("There is no such product.")
    rows = _CHANGES.where(PriceChange.product_id == product_id)
    return paginate(session, rows, order=(PriceChange.id,), args=args, present=_present)


def _present(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "variant_id": row.variant_id,
        "sku": row.sku,
        "old_price": str(Money(row.old_price_minor, row.old_currency)),
        "old_currency": row.old_currency,
        "price": str(Money(row.new_price_minor, row.new_currency)),
        "currency": row.new_currency,
        "actor_id": row.actor_id,
        "at": row.at,
    }
