"""A cart's rows, and what the catalog says of them now, as the bodies of the API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nexus_kernel import Money
from nexus_kernel.contracts.catalog import VariantView
from nexus_kernel.money import exponent


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the cart: `added_price` is what one piece cost when it was added."""

    id: UUID
    variant_id: UUID
    quantity: int
    added_price: Money


def largest(currency: str) -> Money:
    """The largest amount that the API documents: twelve digits before the point."""
    return Money(10 ** (12 + exponent(currency)) - 1, currency)


def present_cart(
    cart_id: UUID | None, lines: Iterable[Line], variants: Mapping[UUID, VariantView], currency: str
) -> dict[str, Any]:
    """The body of a cart. `currency` is that of an empty cart."""
    items = [present_line(line, variants.get(line.variant_id)) for line in lines]
    counted = [item for item in items if not _is_unavailable(item)]
    currency = counted[0]["currency"] if counted else currency
    total = sum((i["line_total"].minor for i in counted if i["currency"] == currency), 0)
    most = largest(currency)
    if total > most.minor:
        for item in counted:
            item["issues"].append(_too_large(most))
    shown = Money(min(total, most.minor), currency)
    return {"id": cart_id, "items": items, "total": shown, "currency": currency}


def present_line(line: Line, variant: VariantView | None) -> dict[str, Any]:
    """The body of a line; `variant` is None when the catalog does not know it any more."""
    price = variant.price if variant else line.added_price
    most = largest(price.currency)
    return {
        "id": line.id,
        "product": present_product(variant),
        "variant": present_variant(line.variant_id, variant),
        "quantity": line.quantity,
        "unit_price": min(price, most),
        "line_total": min(price * line.quantity, most),
        "currency": price.currency,
        "issues": list(_issues(line, variant)),
    }


def present_variant(variant_id: UUID, variant: VariantView | None) -> dict[str, Any]:
    """The body of a variant."""
    return {"id": variant_id, "sku": variant.sku if variant else None}


def present_product(variant: VariantView | None) -> dict[str, Any] | None:
    """The body of a variant's product; None when the catalog does not know it any more."""
    return variant and {
        "id": variant.product_id,
        "title": variant.title,
        "slug": variant.slug,
        "price": variant.price,
    }


def _is_unavailable(item: Mapping[str, Any]) -> bool:
    return any(issue["code"] == "unavailable" for issue in item["issues"])


def _issues(line: Line, variant: VariantView | None) -> Iterable[dict[str, Any]]:
    if variant is None or not variant.is_active:
        yield _issue(
            "unavailable", "This is not for sale any more; an order of the total shown leaves it out."
        )
        return
    if variant.price != line.added_price:
        message = f"The price was {line.added_price} {line.added_price.currency} when you added it."
        yield _issue("price_changed", message, previous_price=line.added_price)
    if variant.available < line.quantity:
        message = f"{variant.available} left in stock." if variant.available else "Sold out."
        yield _issue("insufficient_stock", message, available=variant.available)


def _too_large(most: Money) -> dict[str, Any]:
    return _issue("total_out_of_range", f"The cart passes {most} {most.currency}; order fewer at a time.")


def _issue(
    code: str, message: str, *, available: int | None = None, previous_price: Money | None = None
) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "available": available,
        "previous_price": previous_price,
    }
