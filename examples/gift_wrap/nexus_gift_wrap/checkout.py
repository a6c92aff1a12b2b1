"""How wrapping takes part in a checkout: what is read before it, what it costs, who refuses, what is kept."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from nexus_gift_wrap.models import Paper, Wrapping
from nexus_gift_wrap.schemas import WrappedSchema, WrapSchema
from nexus_kernel import Money, current_session, reading
from nexus_kernel.contracts.orders import Adjustment, CheckoutProblem, OrderExtension, PricePhase, Quote

NAME = "gift_wrap"
MOST_PIECES = 20
"""Pieces that fit under one paper."""


class GiftWrapping(OrderExtension):
    """`extensions.gift_wrap` of a checkout and of an order."""

    name, request, answer = NAME, WrapSchema, WrappedSchema

    def prepare(self, quote: Quote) -> Paper | None:
        """The paper that is asked for; None without a wish, or where there is no such paper."""
        code = quote.requested[NAME].get("paper")
        if code is None:
            return None
        with reading() as session:
            return session.scalar(select(Paper).where(Paper.code == code))

    def snapshot(self, quote: Quote) -> Mapping[str, Any] | None:
        """The paper's title and the message."""
        paper = quote.facts[NAME]
        return paper and {"paper": paper.title, "message": quote.requested[NAME]["message"]}

    def record(self, quote: Quote, order_id: UUID) -> Sequence[CheckoutProblem]:
        """Put the order on the packers' list."""
        paper = quote.facts[NAME]
        if paper is not None:
            message = quote.requested[NAME]["message"]
            current_session().add(Wrapping(order_id=order_id, paper_id=paper.id, message=message))
        return ()


class WrappingFee:
    """Adds the paper's fee to the shipping."""

    code = "gift_wrap.fee"
    phase = PricePhase.SHIPPING

    def apply(self, quote: Quote) -> Sequence[Adjustment]:
        """One adjustment, or none where nothing is wrapped."""
        paper = quote.facts[NAME]
        if paper is None or paper.currency != quote.currency:
            return ()
        return [Adjustment(label=f"Gift wrap: {paper.title}", amount=Money(paper.fee_minor, paper.currency))]


class WrappingGuard:
    """Refuses papers that do not exist, cost another currency, or are too small."""

    code = "gift_wrap.guard"

    def check(self, quote: Quote) -> Sequence[CheckoutProblem]:
        """At most one problem."""
        paper, wanted = quote.facts[NAME], "paper" in quote.requested[NAME]
        if wanted and (paper is None or paper.currency != quote.currency):
            return [_problem("gift_wrap.unknown_paper", "There is no such paper.")]
        if wanted and sum(line.quantity for line in quote.lines) > MOST_PIECES:
            return [_problem("gift_wrap.too_large", f"At most {MOST_PIECES} pieces are wrapped together.")]
        return ()


def _problem(code: str, message: str) -> CheckoutProblem:
    return CheckoutProblem(code=code, message=message, field="extensions.gift_wrap.paper")
