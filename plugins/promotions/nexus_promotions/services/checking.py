"""Whether a code counts for somebody's cart, before a checkout."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_kernel import Money, services
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.cart import CartService
from nexus_kernel.contracts.catalog import CatalogService
from nexus_kernel.contracts.orders import CheckoutProblem, Quote, QuoteLine
from nexus_promotions.models import Kind
from nexus_promotions.services.discounts import discounts
from nexus_promotions.services.finding import find
from nexus_promotions.services.offers import Offer
from nexus_promotions.services.problems import problem, problems_of

_NOWHERE = Address(address_line="", city="", postal_code="", country="")


def check_code(session: Session, user_id: UUID, code: str) -> dict[str, Any]:
    """What this code would do to the person's cart. Three queries, whatever code it is.

    Lines that are not for sale are left out. A cart that cannot be ordered as it is says nothing of the code.
    """
    lines = _lines(user_id)
    asked = find(session, user_id, [code])
    (wanted,) = asked.codes
    currencies = {line.unit_price.currency for line in lines}
    if not lines:
        return _refused(wanted, problem("cart_empty", "Put something into the cart first."))
    if len(currencies) > 1:
        return _refused(wanted, problem("mixed_currency", "The cart mixes currencies; order them apart."))
    quote = _quote(user_id, lines)
    refused = problems_of(quote, asked)
    if wanted in refused:
        return _refused(wanted, refused[wanted])
    return _applies(asked.offers[wanted], quote)


def _lines(user_id: UUID) -> tuple[QuoteLine, ...]:
    cart = services.get(CartService).get(user_id)
    if cart is None or not cart.lines:
        return ()
    variants = services.get(CatalogService).get_variants([line.variant_id for line in cart.lines])
    found = ((line, variants.get(line.variant_id)) for line in cart.lines)
    return tuple(
        QuoteLine(
            variant_id=variant.id,
            product_id=variant.product_id,
            sku=variant.sku,
            title=variant.title,
            quantity=line.quantity,
            unit_price=variant.price,
            discount=Money.zero(variant.price.currency),
            tax=Money.zero(variant.price.currency),
        )
        for line, variant in found
        if variant is not None and variant.is_active
    )


def _quote(user_id: UUID, lines: Sequence[QuoteLine]) -> Quote:
    currency = lines[0].unit_price.currency
    zero = Money.zero(currency)
    return Quote(
        user_id=user_id,
        lines=tuple(lines),
        currency=currency,
        shipping_address=_NOWHERE,
        payment_method="",
        subtotal=sum((line.total for line in lines), zero),
        discount=zero,
        shipping=zero,
        tax=zero,
    )


def _applies(offer: Offer, quote: Quote) -> dict[str, Any]:
    free_shipping = offer.kind is Kind.FREE_SHIPPING
    amount = Money.zero(quote.currency) if free_shipping else discounts([offer], quote.lines)[0].amount
    return {
        "code": offer.code,
        "applies": True,
        "title": offer.title,
        "discount": amount,
        "currency": quote.currency,
        "free_shipping": free_shipping,
        "problems": [],
    }


def _refused(code: str, why: CheckoutProblem) -> dict[str, Any]:
    return {
        "code": code,
        "applies": False,
        "title": None,
        "discount": None,
        "currency": None,
        "free_shipping": False,
        "problems": [{"code": why.code, "message": why.message}],
    }
