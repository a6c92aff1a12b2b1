"""What each method would cost, before there is an order."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_kernel import Actor, Money, current_nexus, invalid_field, services, settings
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.contracts.catalog import CatalogService, VariantView
from nexus_shipping.config import ShippingConfig
from nexus_shipping.errors import CartEmpty
from nexus_shipping.services.offers import Parcel
from nexus_shipping.services.reading import methods_for

Goods = list[tuple[VariantView, int]]


def quote(session: Session, actor: Actor, args: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a quote; four queries at most, whatever is quoted.

    Raises Invalid for items that are not for sale or of several currencies, and CartEmpty.
    """
    goods = _named(args["items"]) if "items" in args else _in_cart(actor)
    currency = goods[0][0].price.currency
    if any(variant.price.currency != currency for variant, _ in goods):
        raise invalid_field("items", "One order, one currency.", "mixed_currency")
    subtotal = sum((variant.price * quantity for variant, quantity in goods), Money.zero(currency))
    parcel = Parcel(
        country=args["country"],
        region=args["region"],
        weight_grams=sum(variant.weight_grams * quantity for variant, quantity in goods),
        currency=currency,
    )
    methods = methods_for(session, parcel.country)
    priced = [(method, method.price(parcel, subtotal)) for method in methods]
    return {
        "country": parcel.country,
        "weight_grams": parcel.weight_grams,
        "subtotal": subtotal,
        "currency": currency,
        "required": bool(methods) and settings(ShippingConfig).required,
        "methods": [
            {
                "code": method.code,
                "title": method.title,
                "description": method.description,
                "min_days": method.min_days,
                "max_days": method.max_days,
                "price": price,
            }
            for method, price in priced
            if price is not None
        ],
    }


def _named(items: Sequence[Mapping[str, Any]]) -> Goods:
    catalog = services.get(CatalogService)
    variants = _ids(items, "variant_id", catalog.get_variants)
    defaults = _ids(items, "product_id", catalog.get_default_variants)
    goods: Goods = []
    for number, item in enumerate(items):
        name = "variant_id" if "variant_id" in item else "product_id"
        variant = (variants if name == "variant_id" else defaults).get(item[name])
        if variant is None or not variant.is_active:
            raise invalid_field(f"items[{number}].{name}", "This is not for sale.", "unknown_id")
        goods.append((variant, item["quantity"]))
    return goods


def _ids(items: Sequence[Mapping[str, Any]], name: str, read: Any) -> Mapping[UUID, VariantView]:
    ids = {item[name] for item in items if name in item}
    found: Mapping[UUID, VariantView] = read(ids) if ids else {}
    return found


def _in_cart(actor: Actor) -> Goods:
    """What is for sale of the caller's cart."""
    if actor.id is None or CartService not in current_nexus().services.contracts():
        raise invalid_field("items", "Send items, or sign in to have your cart quoted.", "required")
    cart = services.get(CartService).get(actor.id)
    lines = cart.lines if cart else ()
    variants = services.get(CatalogService).get_variants([line.variant_id for line in lines]) if lines else {}
    goods = [(variants[line.variant_id], line.quantity) for line in lines if line.variant_id in variants]
    goods = [(variant, quantity) for variant, quantity in goods if variant.is_active]
    if not goods:
        raise CartEmpty("Put something into the cart first.")
    return goods
