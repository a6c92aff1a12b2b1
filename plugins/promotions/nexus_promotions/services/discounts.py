"""What coupons take off the lines, exactly. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from nexus_kernel import Money
from nexus_kernel.contracts.orders import QuoteLine
from nexus_promotions.services.offers import Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """The amount of one coupon, and the share of each line that it is for; they sum to it exactly."""

    offer: Offer
    amount: Money
    lines: dict[UUID, Money]


def rate_of(offer: Offer) -> Decimal | None:
    """12.50 % as 0.125; None for a coupon of another kind."""
    return None if offer.percentage is None else offer.percentage.scaleb(-2).normalize()


def discounts(offers: Iterable[Offer], lines: Sequence[QuoteLine]) -> list[Discount]:
    """What each of these takes off, one after the other: each sees what the ones before it have left.

    A percentage is one of what is left of its lines, rounded half up once; a fixed amount is cut at what is
    left. It is shared among them in proportion to what is left, by largest remainder.
    """
    left, found = {line.variant_id: line.net for line in lines}, list[Discount]()
    for offer in offers:
        own = [line.variant_id for line in lines if offer.is_for(line)]
        discount = _discount(offer, {id: left[id] for id in own})
        left.update({id: left[id] - share for id, share in discount.lines.items()})
        found.append(discount)
    return found


def _discount(offer: Offer, left: dict[UUID, Money]) -> Discount:
    first, *others = left.values()
    whole, rate = sum(others, first), rate_of(offer)
    if rate is not None:
        amount = whole.times(rate)
    else:
        assert offer.amount is not None
        amount = min(offer.amount, whole)
    shares = amount.split([money.minor for money in left.values()])
    return Discount(offer=offer, amount=amount, lines=dict(zip(left, shares, strict=True)))
