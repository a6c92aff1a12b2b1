"""Taking uses of coupons with an order, and giving them back with its cancellation."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_kernel import Money, new_id, now
from nexus_kernel.contracts.orders import CheckoutProblem, Quote
from nexus_promotions.models import State
from nexus_promotions.services import problems, statements
from nexus_promotions.services.offers import Offer

Taken = Sequence[tuple[Offer, Money]]
"""Coupons with what they took off."""


def take(session: Session, quote: Quote, order_id: UUID, given: Taken) -> list[CheckoutProblem]:
    """Count one use of each of these coupons for the order, and keep what it took off.

    One that took off nothing is not used. Returns what could not be taken because it was used up or changed
    meanwhile; then the caller rolls back. One statement; with limits one more, which locks: the coupon where
    everybody shares a limit, else only this person's uses of it, so that nobody else waits.
    """
    used = [(offer, amount) for offer, amount in given if amount]
    if not used:
        return []
    _lock(session, quote.user_id, [offer for offer, _ in used])
    rows = session.execute(
        statements.TAKE,
        {
            "wanted": [_row(offer, amount) for offer, amount in used],
            "user_id": quote.user_id,
            "order_id": order_id,
            "currency": quote.currency,
            "at": now(),
        },
    )
    refused = {row.coupon_id: row.refusal for row in rows}
    return [_problem(offer, refused[offer.id]) for offer, _ in used if offer.id in refused]


def settle(session: Session, order_id: UUID, state: State, event_id: UUID) -> None:
    """Make the order's uses taken or returned, as this event says; an older event changes nothing.

    What is taken again counts beyond the limit if need be: the order has its price already. One statement.
    """
    by = 1 if state is State.TAKEN else -1
    session.execute(
        statements.SETTLE, {"order_id": order_id, "state": str(state), "event_id": event_id, "by": by}
    )


def _lock(session: Session, user_id: UUID, offers: Iterable[Offer]) -> None:
    limited = [o for o in offers if o.usage_limit is not None or o.usage_limit_per_person is not None]
    if not limited:
        return
    shared = [o.id for o in limited if o.usage_limit is not None]
    own = sorted(f"promotions:{o.id}:{user_id}" for o in limited if o.usage_limit is None)
    session.execute(statements.LOCK, {"coupon_ids": shared, "keys": own})


def _row(offer: Offer, amount: Money) -> dict[str, object]:
    version = offer.version.isoformat()
    return {"id": new_id(), "coupon_id": offer.id, "amount_minor": amount.minor, "version": version}


def _problem(offer: Offer, refusal: str) -> CheckoutProblem:
    told = {
        "changed": problems.changed,
        "used_up": problems.used_up,
        "used_by_person": problems.used_by_person,
    }
    return problems.problem(*told[refusal](offer))
