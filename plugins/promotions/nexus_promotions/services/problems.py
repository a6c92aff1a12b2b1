"""Why a code does not count in a checkout. Pure: everything was read before."""

from collections.abc import Callable, Sequence

from nexus_kernel import Money
from nexus_kernel.contracts.orders import CheckoutProblem, Quote
from nexus_promotions.models import Kind
from nexus_promotions.services.offers import Asked, Offer

FIELD = "extensions.promotions.coupons"
Told = tuple[str, str] | None
"""The name of a problem and its sentence."""


def problem(name: str, message: str) -> CheckoutProblem:
    """A problem with the codes of a checkout."""
    return CheckoutProblem(code=f"promotions.{name}", message=message, field=FIELD)


def problems_of(quote: Quote, asked: Asked) -> dict[str, CheckoutProblem]:
    """The first problem of each code that has one.

    A code that nobody knows, an inactive one and a deleted one are told in the same words.
    """
    if asked.too_many_attempts:
        message = "Too many codes were tried; try again later, or order without one."
        return {code: problem("too_many_attempts", message) for code in asked.codes}
    found = {code: _first(quote, asked, asked.offers.get(code), code) for code in asked.codes}
    return {code: problem(*told) for code, told in found.items() if told is not None}


def in_order(quote: Quote, asked: Asked) -> list[Offer]:
    """The coupons that count, in the order in which they are applied.

    Percentages first, then fixed amounts, then free shipping; of one kind by code. So the order in which
    codes were given decides nothing, and a percentage is one of more than a fixed amount would leave.
    """
    refused = problems_of(quote, asked)
    counting = [offer for code, offer in asked.offers.items() if code not in refused]
    return sorted(counting, key=lambda offer: (list(Kind).index(offer.kind), offer.code))


def _first(quote: Quote, asked: Asked, offer: Offer | None, code: str) -> Told:
    if offer is None:
        return "unknown_code", f"There is no coupon {code}."
    return next((told for check in _CHECKS if (told := check(quote, asked, offer)) is not None), None)


def _in_time(quote: Quote, asked: Asked, offer: Offer) -> Told:
    if offer.starts_at is not None and asked.at < offer.starts_at:
        return "not_started", f"The coupon {offer.code} is not valid yet."
    if offer.ends_at is not None and asked.at >= offer.ends_at:
        return "ended", f"The coupon {offer.code} is not valid any more."
    return None


def _left(quote: Quote, asked: Asked, offer: Offer) -> Told:
    if offer.usage_limit is not None and offer.used >= offer.usage_limit:
        return used_up(offer)
    if offer.usage_limit_per_person is not None and offer.used_by_person >= offer.usage_limit_per_person:
        return used_by_person(offer)
    return None


def used_up(offer: Offer) -> tuple[str, str]:
    """Everybody together has taken all of it."""
    return "used_up", f"The coupon {offer.code} is used up."


def used_by_person(offer: Offer) -> tuple[str, str]:
    """This person has taken all that one person may."""
    return "used_by_person", f"You have used the coupon {offer.code} as often as one person may."


def changed(offer: Offer) -> tuple[str, str]:
    """Its conditions are others than a moment ago."""
    return "changed", f"The coupon {offer.code} has just been changed; look at the order again."


def _fits(quote: Quote, asked: Asked, offer: Offer) -> Told:
    if offer.currency is not None and offer.currency != quote.currency:
        return "other_currency", f"The coupon {offer.code} is for orders in {offer.currency}."
    if not any(map(offer.is_for, quote.lines)):
        return "not_for_these_products", f"The coupon {offer.code} is for other products."
    return None


def _enough(quote: Quote, asked: Asked, offer: Offer) -> Told:
    if offer.minimum_spend is None:
        return None
    spent = sum((line.total for line in quote.lines if offer.is_for(line)), Money.zero(quote.currency))
    if spent >= offer.minimum_spend:
        return None
    least = f"{offer.minimum_spend} {quote.currency}"
    return "minimum_not_reached", f"The coupon {offer.code} is for {least} and more of what it is for."


def _alone(quote: Quote, asked: Asked, offer: Offer) -> Told:
    if offer.is_combinable or len(asked.codes) == 1:
        return None
    return "not_combinable", f"The coupon {offer.code} does not go together with others."


_CHECKS: Sequence[Callable[[Quote, Asked, Offer], Told]] = (_in_time, _left, _fits, _enough, _alone)
