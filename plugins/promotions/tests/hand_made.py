"""Quotes and offers made by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from nexus_promotions.models import Kind
from nexus_promotions.services.offers import Asked, Offer

from nexus_kernel import Money, new_id
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.orders import Quote, QuoteLine

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def made_line(price: int, quantity: int = 1, currency: str = "ETB", **ids: Any) -> QuoteLine:
    zero = Money.zero(currency)
    return QuoteLine(
        **{"variant_id": new_id(), "product_id": new_id(), **ids},
        sku="L-1",
        title="ፋኖስ",
        quantity=quantity,
        unit_price=Money(price, currency),
        discount=zero,
        tax=zero,
    )


def made_quote(*lines: QuoteLine, codes: Sequence[str] = (), shipping: int = 0, **facts: Any) -> Quote:
    """A quote of these lines, which asks for these codes."""
    currency = lines[0].unit_price.currency
    zero = Money.zero(currency)
    return Quote(
        user_id=facts.pop("user_id", None) or new_id(),
        lines=lines,
        currency=currency,
        shipping_address=Address(address_line="Bole 7", city="Addis Ababa", postal_code="", country="ET"),
        payment_method="cash",
        subtotal=sum((line.total for line in lines), zero),
        discount=zero,
        shipping=Money(shipping, currency),
        tax=zero,
        requested={"promotions": {"coupons": list(codes)}},
        facts=facts,
    )


def made_offer(kind: str = "percentage", code: str = "SAVE", currency: str = "ETB", **fields: Any) -> Offer:
    """An offer; `amount` and `minimum_spend` in minor units."""
    for name in {"amount", "minimum_spend"} & fields.keys():
        fields[name] = Money(fields[name], currency)
    known = {"id": new_id(), "title": "", "version": NOON}
    return Offer(code=code, kind=Kind(kind), **known | fields)


def made_asked(*offers: Offer, **fields: Any) -> Asked:
    known = {offer.code: offer for offer in offers}
    return Asked(**{"codes": tuple(known), "offers": known, "at": NOON, **fields})
