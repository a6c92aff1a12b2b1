"""The cart: what people do with it, and what the checkout does."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_cart import errors, statements
from nexus_cart.config import CartConfig
from nexus_cart.models import MAX_QUANTITY
from nexus_cart.present import Line, largest, present_cart, present_line
from nexus_kernel import FieldError, Money, new_id, services, settings
from nexus_kernel.contracts.cart import CartLine, CartSnapshot
from nexus_kernel.contracts.catalog import CatalogService, VariantView


class Carts:
    """The cart of one person, and the catalog's word on what is in it."""

    def __init__(self, session: Session, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id

    def show(self) -> dict[str, Any]:
        """The body of the cart, which is opened when there is none yet. Two queries at most."""
        rows = self._session.execute(statements.READ, {"user_id": self._user_id}).all()
        currency = settings(CartConfig).currency
        if not rows:
            cart_id = self._session.execute(
                statements.OPEN, {"id": new_id(), "user_id": self._user_id}
            ).scalar_one()
            return present_cart(cart_id, [], {}, currency)
        lines = [_line(row) for row in rows if row.id is not None]
        catalog = services.get(CatalogService)
        variants = catalog.get_variants([line.variant_id for line in lines]) if lines else {}
        return present_cart(rows[0].cart_id, lines, variants, currency)

    def add(
        self, quantity: int, *, product_id: UUID | None = None, variant_id: UUID | None = None
    ) -> dict[str, Any]:
        """Add pieces of a variant, or of a product's default variant, to what is there. Two queries.

        Raises ProductUnknown, ProductUnavailable, InsufficientStock, QuantityLimit, CartFull, CurrencyMixed,
        TotalOutOfRange.
        """
        variant = self._find(product_id, variant_id)
        if not variant.is_active:
            raise errors.ProductUnavailable(f"{variant.title} is not for sale any more.")
        config = settings(CartConfig)
        row = self._session.execute(
            statements.ADD,
            {
                "cart_id": new_id(),
                "user_id": self._user_id,
                "id": new_id(),
                "variant_id": variant.id,
                "quantity": quantity,
                "unit_price_minor": variant.price.minor,
                "currency": variant.price.currency,
                "largest_minor": largest(variant.price.currency).minor,
                "limit": min(variant.available, MAX_QUANTITY),
                "max_lines": config.max_lines,
            },
        ).one()
        if row.id is None:
            raise _refusal(row, variant, quantity, config.max_lines)
        return present_line(Line(row.id, variant.id, row.quantity, variant.price), variant)

    def set_quantity(self, item_id: UUID, quantity: int) -> dict[str, Any]:
        """Give a line this quantity. Two queries; the caller's transaction is rolled back by an error.

        Raises ItemNotFound, ProductUnavailable, InsufficientStock or TotalOutOfRange.
        """
        given = {"user_id": self._user_id, "id": item_id, "quantity": quantity}
        row = self._session.execute(statements.SET_QUANTITY, given).first()
        if row is None:
            raise errors.ItemNotFound()
        variant = services.get(CatalogService).get_variants([row.variant_id]).get(row.variant_id)
        if variant is None or not variant.is_active:
            raise errors.ProductUnavailable("This is not for sale any more; remove the line.")
        if variant.available < quantity:
            raise _shortage(variant, quantity, 0)
        if _is_too_large(row, variant, quantity):
            raise _too_large(variant)
        return present_line(_line(row), variant)

    def remove(self, item_id: UUID) -> None:
        """Take a line out. Raises ItemNotFound."""
        given = {"user_id": self._user_id, "id": item_id}
        if self._session.execute(statements.REMOVE, given).first() is None:
            raise errors.ItemNotFound()

    def clear(self) -> None:
        """Take every line out."""
        self._session.execute(statements.CLEAR, {"user_id": self._user_id})

    def _find(self, product_id: UUID | None, variant_id: UUID | None) -> VariantView:
        catalog = services.get(CatalogService)
        if variant_id is not None:
            field, wanted, found = "variant_id", variant_id, catalog.get_variants([variant_id])
        else:
            assert product_id is not None
            field, wanted, found = "product_id", product_id, catalog.get_default_variants([product_id])
        if wanted not in found:
            message = "There is no such product." if field == "product_id" else "There is no such variant."
            raise errors.ProductUnknown(
                f"{field}: {message}", errors=[FieldError(field, "unknown_id", message)]
            )
        return found[wanted]


class CartCheckout:
    """Provides CartService."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, user_id: UUID) -> CartSnapshot | None:
        """As the contract says."""
        return _snapshot(self._session.execute(statements.LOOK, {"user_id": user_id}).all())

    def lock(self, user_id: UUID) -> CartSnapshot | None:
        """As the contract says; a second statement only when the cart changed while this one waited."""
        rows = self._session.execute(statements.LOCK, {"user_id": user_id}).all()
        if rows and rows[0].version != rows[0].seen_version:
            rows = self._session.execute(statements.LOCK, {"user_id": user_id}).all()
        return _snapshot(rows)

    def empty(self, cart_id: UUID, generation: int) -> None:
        """As the contract says."""
        self._session.execute(statements.EMPTY, {"cart_id": cart_id, "generation": generation})


def _snapshot(rows: Sequence[Any]) -> CartSnapshot | None:
    if not rows:
        return None
    lines = (CartLine(variant_id=r.variant_id, quantity=r.quantity) for r in rows if r.variant_id)
    return CartSnapshot(id=rows[0].id, generation=rows[0].generation, lines=tuple(lines))


def _line(row: Any) -> Line:
    return Line(row.id, row.variant_id, row.quantity, Money(row.unit_price_minor, row.currency))


def _refusal(row: Any, variant: VariantView, quantity: int, max_lines: int) -> Exception:
    if row.foreign_lines:
        return errors.CurrencyMixed(
            f"{variant.title} is sold in {variant.price.currency}; order what is in the cart first."
        )
    if row.lines >= max_lines:
        return errors.CartFull(f"A cart holds at most {max_lines} different products.")
    if row.had + quantity > MAX_QUANTITY and variant.available > MAX_QUANTITY:
        return errors.QuantityLimit(f"A line holds at most {MAX_QUANTITY} pieces; {row.had} are in the cart.")
    if variant.available >= row.had + quantity and _is_too_large(row, variant, row.had + quantity):
        return _too_large(variant)
    return _shortage(variant, quantity, row.had)


def _is_too_large(row: Any, variant: VariantView, quantity: int) -> bool:
    return row.worth + quantity * variant.price.minor > largest(variant.price.currency).minor


def _too_large(variant: VariantView) -> errors.TotalOutOfRange:
    most = largest(variant.price.currency)
    message = f"A cart holds at most {most} {most.currency}; order fewer pieces at a time."
    return errors.TotalOutOfRange(message, errors=[FieldError("quantity", "total_out_of_range", message)])


def _shortage(variant: VariantView, quantity: int, had: int) -> errors.InsufficientStock:
    in_cart = f", and {had} are in the cart already" if had else ""
    message = f"{variant.available} of {variant.title} left{in_cart}."
    return errors.InsufficientStock(
        message,
        errors=[FieldError("quantity", "insufficient_stock", message)],
        available=variant.available,
        in_cart=had,
        requested=quantity,
    )
