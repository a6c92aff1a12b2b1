"""What rates amount to: pure, of what was read before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from nexus_kernel import Money
from nexus_kernel.contracts.orders import Adjustment, Quote
from nexus_tax.models import PLACES
from nexus_tax.services.rounding import Policy

_WHOLE = 10**PLACES


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A row of `tax_rate`; `parts` are hundred-thousandths."""

    region: str
    label: str
    parts: int
    included: bool
    applies_to_shipping: bool
    valid_from: datetime | None
    valid_to: datetime | None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The rate of this JSON."""
        days = {name: _instant(values[name]) for name in ("valid_from", "valid_to")}
        return cls(**{**values, **days})

    @property
    def decimal(self) -> Decimal:
        """The rate, without trailing zeros."""
        return Decimal(self.parts).scaleb(-PLACES).normalize()

    def applies(self, region: str, at: datetime) -> bool:
        """True for an order of this region at this time."""
        begun = self.valid_from is None or self.valid_from <= at
        over = self.valid_to is not None and self.valid_to <= at
        return begun and not over and (not self.region or folded(self.region) == folded(region))


def adjustments(quote: Quote, rates: Sequence[Rate], policy: Policy) -> list[Adjustment]:
    """The tax of each rate: on what is left of the lines after discounts, and on shipping where it applies.

    Every rate is one of the net. Where prices include some, the net is what remains without these, so that a
    price of 115.00 that includes 15 % has a tax of 15.00.
    """
    return [
        _adjustment(quote, rate, policy, _WHOLE + sum(r.parts for r in rates if r.included)) for rate in rates
    ]


def _adjustment(quote: Quote, rate: Rate, policy: Policy, denominator: int) -> Adjustment:
    """`denominator` is what the net's hundred-thousandths are together with the included rates."""
    amounts = [line.net for line in quote.lines]
    if rate.applies_to_shipping:
        amounts.append(quote.shipping)
    taxes = policy(amounts, rate.parts, denominator)
    lines: dict[UUID, Money] = {}
    for line, tax in zip(quote.lines, taxes, strict=False):
        lines[line.variant_id] = lines.get(line.variant_id, Money.zero(quote.currency)) + tax
    return Adjustment(
        label=rate.label,
        amount=_sum(taxes, quote.currency),
        rate=rate.decimal,
        lines=lines,
        included=rate.included,
    )


def folded(region: str) -> str:
    """A region as it is compared: without case, and with single blanks."""
    return " ".join(region.split()).casefold()


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, Money.zero(currency))


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
