"""The part that shipping has in a checkout: the choice, its fee, and whether the order can be shipped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nexus_kernel import current_session, settings
from nexus_kernel.contracts.orders import (
    Adjustment,
    CheckoutProblem,
    OrderExtension,
    PricePhase,
    Quote,
)
from nexus_shipping.config import ShippingConfig
from nexus_shipping.schemas import ChoiceSchema, ChosenSchema
from nexus_shipping.services.offers import Method, Parcel, takers
from nexus_shipping.services.reading import methods_for

FIELD = "extensions.shipping.method"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """What is known of the shipping of a quote. `asked` is the code that the buyer sent, if any."""

    parcel: Parcel
    methods: tuple[Method, ...]
    asked: str | None
    required: bool

    @property
    def chosen(self) -> Method | None:
        """The method that takes the parcel: the one asked for, or the only one where one is required."""
        able = takers(self.methods, self.parcel)
        if self.asked is not None:
            return next((method for method in able if method.code == self.asked), None)
        return able[0] if self.required and len(able) == 1 else None


class ShippingExtension(OrderExtension):
    """`extensions.shipping` of checkouts and orders."""

    name = "shipping"
    request = ChoiceSchema
    answer = ChosenSchema

    def prepare(self, quote: Quote) -> Shipping:
        """The methods, and what they cost in the country that the order goes to. One query, or none."""
        address = quote.shipping_address
        parcel = Parcel(
            country=address.country,
            region=address.region,
            weight_grams=sum(line.weight_grams * line.quantity for line in quote.lines),
            currency=quote.currency,
        )
        return Shipping(
            parcel=parcel,
            methods=methods_for(current_session(), address.country),
            asked=quote.requested.get("shipping", {}).get("method"),
            required=settings(ShippingConfig).required,
        )

    def snapshot(self, quote: Quote) -> Mapping[str, Any] | None:
        """The method as it is now; None for an order that nobody ships."""
        shipping = _shipping(quote)
        method = shipping.chosen
        if method is None:
            return None
        return {
            "method": method.code,
            "title": method.title,
            "weight_grams": shipping.parcel.weight_grams,
            "min_days": method.min_days,
            "max_days": method.max_days,
        }


class ShippingFee:
    """Adds what the chosen method costs; goods count with what is left of them after discounts."""

    code = "shipping.fee"
    phase = PricePhase.SHIPPING

    def apply(self, quote: Quote) -> Sequence[Adjustment]:
        """The fee, also where it is nothing; none without a method."""
        shipping = _shipping(quote)
        if (method := shipping.chosen) is None:
            return ()
        fee = method.price(shipping.parcel, quote.subtotal - quote.discount)
        return () if fee is None else (Adjustment(label=method.title, amount=fee),)


class ShippingGuard:
    """Refuses an order that no method takes, or for which none was chosen."""

    code = "shipping.guard"

    def check(self, quote: Quote) -> Sequence[CheckoutProblem]:
        """At most one problem. Without active methods there is nothing to choose."""
        shipping = _shipping(quote)
        if shipping.chosen is not None:
            return ()
        if shipping.asked is not None:
            return (_refused(shipping, shipping.asked),)
        if not shipping.required or not shipping.methods:
            return ()
        return (_unchosen(shipping),)


def _shipping(quote: Quote) -> Shipping:
    found: Shipping = quote.facts["shipping"]
    return found


def _refused(shipping: Shipping, code: str) -> CheckoutProblem:
    method = next((method for method in shipping.methods if method.code == code), None)
    if method is None:
        return _problem("method_unknown", "There is no such way to ship.")
    return _problem("not_available", method.why_not(shipping.parcel))


def _unchosen(shipping: Shipping) -> CheckoutProblem:
    able = [method.code for method in takers(shipping.methods, shipping.parcel)]
    if able:
        return _problem("method_required", f"Choose how it is shipped: {', '.join(able)}.")
    parcel = shipping.parcel
    return _problem(
        "not_available", f"Nothing ships {parcel.weight_grams} g to {parcel.country} in {parcel.currency}."
    )


def _problem(reason: str, message: str) -> CheckoutProblem:
    return CheckoutProblem(code=f"shipping.{reason}", message=message, field=FIELD)
