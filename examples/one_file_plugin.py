"""A whole plugin in one file: shipping at a flat rate, free above a threshold.

    from nexus_kernel import create_app
    import one_file_plugin

    app = create_app(plugins=["accounts", "catalog", "cart", "orders", "payments", one_file_plugin])

It adds a setting, a price rule and a route, and touches no other file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import marshmallow as ma

from nexus_kernel import Amount, Blueprint, Currency, Manifest, Money, Schema, hookimpl, setting, settings
from nexus_kernel.contracts.orders import Adjustment, PricePhase, PriceRule, Quote


@dataclass(frozen=True)
class FlatShippingConfig:
    """`NEXUS_FLAT_SHIPPING__*`."""

    price: str = setting("80.00", help="What shipping costs, in the currency of the order.")
    free_from: str = setting("2000.00", help="Orders from this subtotal on are shipped for nothing.")


MANIFEST = Manifest(
    name="flat_shipping",
    summary="Shipping at a flat rate",
    url_prefixes=("/api/flat_shipping/",),
    config=FlatShippingConfig,
)
blp = Blueprint("flat_shipping", __name__, url_prefix="/api/flat_shipping")


class RateQuery(ma.Schema):
    """Which currency to quote in."""

    currency = Currency(required=True)


class RateSchema(Schema):
    """What shipping costs."""

    price = Amount(required=True)
    free_from = Amount(required=True)
    currency = Currency(required=True)


def rate(currency: str) -> tuple[Money, Money]:
    """The price, and the subtotal from which on it is nothing."""
    config = settings(FlatShippingConfig)
    return Money.parse(config.price, currency), Money.parse(config.free_from, currency)


class FlatShipping:
    """Adds the flat rate to every checkout below the threshold."""

    code = "flat_shipping.flat_rate"
    phase = PricePhase.SHIPPING

    def apply(self, quote: Quote) -> Sequence[Adjustment]:
        """One adjustment, or none from the threshold on."""
        price, free_from = rate(quote.currency)
        if quote.subtotal - quote.discount >= free_from:
            return []
        return [Adjustment(label="Flat rate", amount=price)]


@blp.get("/rate/")
@blp.public
@blp.arguments(RateQuery, location="query")
@blp.response(200, RateSchema)
def get_rate(args: dict[str, str]) -> dict[str, object]:
    """Quote the rate."""
    price, free_from = rate(args["currency"])
    return {"price": price, "free_from": free_from, "currency": args["currency"]}


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    return [blp]


@hookimpl
def nexus_price_rules() -> Iterable[PriceRule]:
    return [FlatShipping()]
