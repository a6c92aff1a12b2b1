"""Stock as its keepers see it: what is there, what somebody counted, and the ledger."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, update
from sqlalchemy.orm import Session

from nexus_catalog.errors import ProductNotFound, StockBelowReserved, VariantNotFound
from nexus_catalog.models import LARGEST_QUANTITY, Product, Stock, StockMovement, Variant
from nexus_catalog.services import stock_statements as statements
from nexus_catalog.services.changes import stock_changed, stock_fell
from nexus_catalog.services.ownership import changeable_by
from nexus_catalog.services.products import by_key
from nexus_kernel import Actor, invalid_field, paginate
from nexus_kernel.context import current_actor_id

_STOCK = (
    select(
        Variant.id.label("variant_id"),
        Variant.product_id,
        Variant.sku,
        Variant.is_active,
        Variant.option_values,
        Stock.on_hand,
        Stock.reserved,
        Stock.low_stock_threshold,
    )
    .join(Product, Product.id == Variant.product_id)
    .join(Stock, Stock.variant_id == Variant.id)
)
_MOVEMENTS = select(
    StockMovement.id,
    StockMovement.variant_id,
    StockMovement.delta_on_hand,
    StockMovement.delta_reserved,
    StockMovement.reason,
    StockMovement.reference,
    StockMovement.note,
    StockMovement.actor_id,
    StockMovement.created_at,
)


def stock_page(session: Session, key: str, actor: Actor, args: Mapping[str, Any]) -> dict[str, Any]:
    """The stock of every variant of a product, retired ones too; three queries. Raises ProductNotFound."""
    product_id = session.execute(select(Product.id).where(by_key(key), changeable_by(actor))).scalar()
    if product_id is None:
        raise ProductNotFound("There is no such product.")
    rows = _STOCK.where(Variant.product_id == product_id)
    return paginate(session, rows, order=(Variant.id,), descending=False, args=args, present=_stock)


def get_stock(session: Session, variant_id: UUID, actor: Actor) -> dict[str, Any]:
    """The stock of a variant, also of a retired one. One query. Raises VariantNotFound."""
    return _stock(_found(session, _STOCK, variant_id, actor))


def adjust_stock(
    session: Session, variant_id: UUID, actor: Actor, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Count the pieces on hand anew (`count`), or add to them (`delta`); the stock, and its movement if any.

    Raises VariantNotFound, StockBelowReserved where fewer pieces would be there than are held, and Invalid
    beyond the largest quantity.
    """
    variant = _found(session, _STOCK, variant_id, actor)
    given = {"count": None, "delta": None, "reference": None, "note": None} | dict(values)
    given |= {"variant_id": variant_id, "actor": current_actor_id(), "largest": LARGEST_QUANTITY}
    row = session.execute(statements.ADJUST, given).one()
    if not row.is_counted:
        raise _refusal(row, "count" if given["delta"] is None else "delta")
    movement = None
    if row.id is not None:
        movement = _movement(row)
        stock_changed([variant_id])
        stock_fell([row.low])
    counted = {"on_hand": row.wanted, "reserved": row.reserved, "available": row.wanted - row.reserved}
    return _stock(variant) | counted | {"movement": movement}


def set_low_mark(session: Session, variant_id: UUID, actor: Actor, mark: int | None) -> dict[str, Any]:
    """Set from how few available pieces on `catalog.stock_low` is told; None: never. The variant's stock.

    Raises VariantNotFound.
    """
    _found(session, _STOCK, variant_id, actor)
    statement = update(Stock).where(Stock.variant_id == variant_id).values(low_stock_threshold=mark)
    session.execute(statement)
    return get_stock(session, variant_id, actor)


def movement_page(
    session: Session, variant_id: UUID, actor: Actor, args: Mapping[str, Any]
) -> dict[str, Any]:
    """The ledger of a variant, the newest entry first; three queries. Raises VariantNotFound."""
    _found(session, _STOCK, variant_id, actor)
    rows = _MOVEMENTS.where(StockMovement.variant_id == variant_id)
    return paginate(session, rows, order=(StockMovement.id,), args=args, present=_movement)


def _found(session: Session, statement: Select[Any], variant_id: UUID, actor: Actor) -> Row[Any]:
    row = session.execute(statement.where(Variant.id == variant_id, changeable_by(actor))).one_or_none()
    if row is None:
        raise VariantNotFound("There is no such variant.")
    return row


def _refusal(row: Row[Any], field: str) -> Exception:
    if row.wanted > LARGEST_QUANTITY:
        return invalid_field(field, f"At most {LARGEST_QUANTITY} pieces can be on hand.", "out_of_range")
    return StockBelowReserved(
        f"{row.reserved} of {row.on_hand} pieces are held for orders; {row.wanted} on hand would be too few.",
        on_hand=row.on_hand,
        reserved=row.reserved,
        available=row.on_hand - row.reserved,
    )


def _stock(row: Row[Any]) -> dict[str, Any]:
    return {
        "variant_id": row.variant_id,
        "product_id": row.product_id,
        "sku": row.sku,
        "is_active": row.is_active,
        "option_values": row.option_values,
        "on_hand": row.on_hand,
        "reserved": row.reserved,
        "available": row.on_hand - row.reserved,
        "low_stock_threshold": row.low_stock_threshold,
    }


def _movement(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "delta_on_hand": row.delta_on_hand,
        "delta_reserved": row.delta_reserved,
        "reason": row.reason,
        "reference": row.reference,
        "note": row.note,
        "actor_id": row.actor_id,
        "created_at": row.created_at,
    }
