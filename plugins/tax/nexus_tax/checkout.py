"""The part that tax has in a checkout."""

from collections.abc import Sequence
from dataclasses import dataclass

from nexus_kernel import current_session, now, settings
from nexus_kernel.contracts.orders import Adjustment, OrderExtension, PricePhase, Quote
from nexus_tax.config import TaxConfig
from nexus_tax.services.reading import rates_for
from nexus_tax.services.rounding import POLICIES, Policy
from nexus_tax.services.taxes import Rate, adjustments


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxes:
    """The rates that hold for a quote, and how they are rounded."""

    rates: tuple[Rate, ...]
    policy: Policy


class TaxExtension(OrderExtension):
    """Reads the rates for the rule; an order tells its taxes among its adjustments."""

    name = "tax"

    def prepare(self, quote: Quote) -> Taxes:
        """The rates of the place that the order goes to, as they are now. One query, or none."""
        address, at = quote.shipping_address, now()
        found = rates_for(current_session(), address.country)
        return Taxes(
            rates=tuple(rate for rate in found if rate.applies(address.region, at)),
            policy=POLICIES[settings(TaxConfig).rounding],
        )


class TaxRule:
    """Adds the taxes of the place that the order goes to; without a rate there is none."""

    code = "tax.rates"
    phase = PricePhase.TAX

    def apply(self, quote: Quote) -> Sequence[Adjustment]:
        """One adjustment a rate, also where it is nothing: it is evidence."""
        taxes: Taxes = quote.facts["tax"]
        return adjustments(quote, taxes.rates, taxes.policy)
