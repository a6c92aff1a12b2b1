"""What carts know of a person, for the hook `nexus_data_subjects`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from nexus_cart.models import Cart, CartItem
from nexus_kernel import Money, current_session


class CartData:
    """A person's cart."""

    name = "cart"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """What is in the cart. One query."""
        columns = (CartItem.variant_id, CartItem.quantity, CartItem.unit_price_minor, CartItem.currency)
        lines = select(*columns, CartItem.created_at).join(Cart, Cart.id == CartItem.cart_id)
        rows = current_session().execute(lines.where(Cart.holder_id == person_id).order_by(CartItem.id))
        return {
            "items": [
                {
                    "variant_id": row.variant_id,
                    "quantity": row.quantity,
                    "unit_price": str(Money(row.unit_price_minor, row.currency)),
                    "currency": row.currency,
                    "added_at": row.created_at,
                }
                for row in rows
            ]
        }

    def erase(self, person_id: UUID) -> None:
        """Delete the cart with its lines. Orders keep the id of the cart that they came from."""
        current_session().execute(delete(Cart).where(Cart.holder_id == person_id))
