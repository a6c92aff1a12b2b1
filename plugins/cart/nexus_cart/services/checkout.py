"""What the checkout does with a cart."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, text
from sqlalchemy.orm import Session

from nexus_kernel.contracts.cart import CartLine, CartSnapshot

_LOOK = text(
    """
    SELECT cart.id, cart.generation, item.variant_id, item.quantity
    FROM cart_cart cart LEFT JOIN cart_item item ON item.cart_id = cart.id
    WHERE cart.holder_id = :holder_id ORDER BY item.id
    """
).columns(id=Uuid, variant_id=Uuid)

_LOCK = text(
    """
    SELECT cart.id, cart.generation, cart.version, item.variant_id, item.quantity,
           (SELECT version FROM cart_cart WHERE holder_id = :holder_id) AS seen_version
    FROM cart_cart cart LEFT JOIN cart_item item ON item.cart_id = cart.id
    WHERE cart.holder_id = :holder_id ORDER BY item.id
    FOR UPDATE OF cart
    """
).columns(id=Uuid, variant_id=Uuid)
"""`version` is read under the lock, `seen_version` and the lines as they were when the statement began."""

_EMPTY = text(
    """
    WITH gone AS (DELETE FROM cart_item WHERE cart_id = :cart_id)
    UPDATE cart_cart SET generation = generation + 1, version = version + 1, updated_at = now()
    WHERE id = :cart_id AND generation = :generation
    """
)


class CartCheckout:
    """Provides CartService."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, user_id: UUID) -> CartSnapshot | None:
        """As the contract says."""
        return _snapshot(self._session.execute(_LOOK, {"holder_id": user_id}).all())

    def lock(self, user_id: UUID) -> CartSnapshot | None:
        """As the contract says; a second statement only when the cart changed while this one waited."""
        rows = self._session.execute(_LOCK, {"holder_id": user_id}).all()
        if rows and rows[0].version != rows[0].seen_version:
            rows = self._session.execute(_LOCK, {"holder_id": user_id}).all()
        return _snapshot(rows)

    def empty(self, cart_id: UUID, generation: int) -> None:
        """As the contract says."""
        self._session.execute(_EMPTY, {"cart_id": cart_id, "generation": generation})


def _snapshot(rows: Sequence[Any]) -> CartSnapshot | None:
    if not rows:
        return None
    lines = (CartLine(variant_id=r.variant_id, quantity=r.quantity) for r in rows if r.variant_id)
    return CartSnapshot(id=rows[0].id, generation=rows[0].generation, lines=tuple(lines))
