"""The cart: what people and guests do with it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_cart import errors
from nexus_cart.config import CartConfig
from nexus_cart.models import MAX_QUANTITY
from nexus_cart.services import statements
from nexus_cart.services.holders import Holder
from nexus_cart.services.present import Line, largest, present_cart, present_line
from nexus_kernel import FieldError, Money, new_id, services, settings
from nexus_kernel.contracts.catalog import CatalogService, VariantView


@dataclass(frozen=True, slots=True)
class _Found:
    """What a cart holds besides what is added to it."""

    had: int = 0
    lines: int = 0
    foreign_lines: int = 0
    worth: int = 0


def no_cart() -> dict[str, Any]:
    """The body of the cart of a guest who has none yet."""
    return present_cart(None, [], {}, settings(CartConfig).currency)


class Carts:
    """The cart of one person or guest, and the catalog's word on what is in it.

    Each of its methods raises TokenUnknown for a guest whose cart is not there.
    """

    def __init__(self, session: Session, holder: Holder) -> None:
        self._session = session
        self._holder = holder
        self._mine = {"holder_id": holder.id}

    def show(self) -> dict[str, Any]:
        """The body of the cart; a person's is opened when there is none yet. Two queries at most."""
        rows = self._session.execute(statements.READ, self._mine).all()
        currency = settings(CartConfig).currency
        if not rows:
            self._refuse_guest()
            cart_id = self._session.execute(statements.OPEN, {"id": new_id(), **self._mine}).scalar_one()
            return present_cart(cart_id, [], {}, currency)
        lines = [line_of(row) for row in rows if row.id is not None]
        catalog = services.get(CatalogService)
        variants = catalog.get_variants([line.variant_id for line in lines]) if lines else {}
        return present_cart(rows[0].cart_id, lines, variants, currency)

    def add(
        self, quantity: int, *, product_id: UUID | None = None, variant_id: UUID | None = None
    ) -> dict[str, Any]:
        """Add pieces of a variant, or of a product's default variant, to what is there. Two queries.

        A new guest's cart is opened with its first line, and not at all when that is refused.
        Raises ProductUnknown, ProductUnavailable, InsufficientStock, QuantityLimit, CartFull, CurrencyMixed,
        TotalOutOfRange.
        """
        variant = self._find(product_id, variant_id)
        if not variant.is_active:
            raise errors.ProductUnavailable(f"{variant.title} is not for sale any more.")
        row = self._open_with(variant, quantity) if self._holder.is_new else self._add(variant, quantity)
        return present_line(Line(row.id, variant.id, row.quantity, variant.price), variant)

    def set_quantity(self, item_id: UUID, quantity: int) -> dict[str, Any]:
        """Give a line this quantity. Two queries; the caller's transaction is rolled back by an error.

        Raises ItemNotFound, ProductUnavailable, InsufficientStock or TotalOutOfRange.
        """
        given = {"id": item_id, "quantity": quantity, **self._mine}
        row = self._session.execute(statements.SET_QUANTITY, given).first()
        if row is None:
            raise self._not_found()
        variant = services.get(CatalogService).get_variants([row.variant_id]).get(row.variant_id)
        if variant is None or not variant.is_active:
            raise errors.ProductUnavailable("This is not for sale any more; remove the line.")
        if variant.available < quantity:
            raise _shortage(variant, quantity, 0)
        if _is_too_large(row, variant, quantity):
            raise _too_large(variant)
        return present_line(line_of(row), variant)

    def remove(self, item_id: UUID) -> None:
        """Take a line out. Raises ItemNotFound."""
        given = {"id": item_id, **self._mine}
        if self._session.execute(statements.REMOVE, given).first() is None:
            raise self._not_found()

    def clear(self) -> None:
        """Take every line out."""
        if self._session.execute(statements.CLEAR, self._mine).first() is None:
            self._refuse_guest()

    def _add(self, variant: VariantView, quantity: int) -> Any:
        config = settings(CartConfig)
        given = {
            **self._mine,
            **_new_line(variant, quantity),
            "largest_minor": largest(variant.price.currency).minor,
            "limit": min(variant.available, MAX_QUANTITY),
            "max_lines": config.max_lines,
        }
        if self._holder.is_guest:
            row = self._session.execute(statements.ADD_TO_GUESTS, given).first()
        else:
            row = self._session.execute(statements.ADD, {"cart_id": new_id(), **given}).first()
        if row is None:
            raise errors.TokenUnknown()
        if row.id is None:
            raise _refusal(row, variant, quantity, config.max_lines)
        return row

    def _open_with(self, variant: VariantView, quantity: int) -> Any:
        nothing = _Found()
        if quantity > variant.available or _is_too_large(nothing, variant, quantity):
            raise _refusal(nothing, variant, quantity, settings(CartConfig).max_lines)
        given = {"cart_id": new_id(), **self._mine, **_new_line(variant, quantity)}
        return self._session.execute(statements.OPEN_GUESTS, given).one()

    def _refuse_guest(self) -> None:
        if self._holder.is_guest:
            raise errors.TokenUnknown()

    def _not_found(self) -> Exception:
        """A guest whose cart is gone hears that, and not that one line is."""
        if self._holder.is_guest and self._session.execute(statements.FIND, self._mine).first() is None:
            return errors.TokenUnknown()
        return errors.ItemNotFound()

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


def _new_line(variant: VariantView, quantity: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "variant_id": variant.id,
        "quantity": quantity,
        "unit_price_minor": variant.price.minor,
        "currency": variant.price.currency,
    }


def line_of(row: Any) -> Line:
    """A row of the cart as a line."""
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
