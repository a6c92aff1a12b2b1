"""The part that coupons have in a checkout."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nexus_kernel import Money, current_session
from nexus_kernel.contracts.orders import Adjustment, CheckoutProblem, OrderExtension, PricePhase, Quote
from nexus_promotions.models import Kind
from nexus_promotions.schemas.checkout import CouponsAskedSchema, CouponsTakenSchema
from nexus_promotions.services.discounts import discounts, rate_of
from nexus_promotions.services.finding import find
from nexus_promotions.services.offers import Asked, Offer
from nexus_promotions.services.problems import in_order, problems_of
from nexus_promotions.services.redemptions import take


class CouponDiscounts:
    """Takes percentages and fixed amounts off the lines; the order of coupons is that of `in_order`."""

    code = "promotions.discounts"
    phase = PricePhase.DISCOUNT

    def apply(self, quote: Quote) -> Sequence[Adjustment]:
        """One adjustment a coupon that counts, also where it is nothing."""
        offers = [offer for offer in in_order(quote, _asked(quote)) if not _frees_shipping(offer)]
        return [
            Adjustment(label=d.offer.label, amount=d.amount, rate=rate_of(d.offer), lines=d.lines)
            for d in discounts(offers, quote.lines)
        ]


class FreeShipping:
    """Takes the shipping fee away."""

    code = "promotions.free_shipping"
    phase = PricePhase.SHIPPING_DISCOUNT

    def apply(self, quote: Quote) -> Sequence[Adjustment]:
        """One adjustment a coupon that counts; where there are two, the second takes nothing."""
        offers = filter(_frees_shipping, in_order(quote, _asked(quote)))
        return [Adjustment(label=offer.label, amount=quote.shipping) for offer in offers]


class CouponGuard:
    """Refuses a checkout with a code that does not count, so that nobody pays more than they expect."""

    code = "promotions.coupons"

    def check(self, quote: Quote) -> Sequence[CheckoutProblem]:
        """A problem for each such code."""
        return list(problems_of(quote, _asked(quote)).values())


class CouponExtension(OrderExtension):
    """Codes in the body of a checkout; what they took off in the order."""

    name = "promotions"
    request = CouponsAskedSchema
    answer = CouponsTakenSchema

    def prepare(self, quote: Quote) -> Asked:
        """The coupons of these codes with their uses. One query, and none without codes."""
        codes = quote.requested[self.name].get("coupons", ())
        return find(current_session(), quote.user_id, codes)

    def snapshot(self, quote: Quote) -> Mapping[str, Any] | None:
        """Codes, titles and amounts; nothing where there are none."""
        taken = taken_off(quote)
        return {"coupons": [_shown(offer, amount) for offer, amount in taken]} if taken else None

    def record(self, quote: Quote, order_id: UUID) -> Sequence[CheckoutProblem]:
        """Count the uses: one statement, two where there are limits, none without codes."""
        return take(current_session(), quote, order_id, taken_off(quote))


def taken_off(quote: Quote) -> list[tuple[Offer, Money]]:
    """Each coupon that counts with what it took off, once every rule has run.

    The amounts are those that count: another plugin's discount may have left less than a coupon is worth.
    """
    offers = in_order(quote, _asked(quote))
    rules = (CouponDiscounts.code, FreeShipping.code)
    amounts = [a.amount for rule in rules for a in quote.adjustments if a.rule == rule]
    return list(zip(offers, amounts, strict=True))


def _asked(quote: Quote) -> Asked:
    asked: Asked = quote.facts[CouponExtension.name]
    return asked


def _frees_shipping(offer: Offer) -> bool:
    return offer.kind is Kind.FREE_SHIPPING


def _shown(offer: Offer, amount: Money) -> dict[str, Any]:
    return {"code": offer.code, "title": offer.title, "kind": str(offer.kind), "amount": str(amount)}
