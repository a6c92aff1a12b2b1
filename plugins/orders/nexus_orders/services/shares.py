"""How an adjustment is shared among the lines, to the last minor unit."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from nexus_kernel import Money
from nexus_kernel.contracts.orders import Adjustment, PricePhase, Quote

Parts = Mapping[UUID, Money]


class Shares:
    """What the adjustments of one phase add to a quote and to each of its lines.

    Discounts belong to lines altogether: by `Adjustment.lines` where a line is named there, and what is left
    of the adjustment in proportion to what is left of the lines (largest remainder). No line is discounted
    below nothing; what does not fit is not given. Of a tax only `Adjustment.lines` belongs to lines, and
    shipping is the order's as a whole.
    """

    def __init__(self, quote: Quote, phase: PricePhase) -> None:
        self._quote, self._phase = quote, phase
        self._sum = Money.zero(quote.currency)
        self._of = dict[UUID, Money]()
        self._left = dict[UUID, Money]()
        if phase is PricePhase.DISCOUNT:
            self._left = {line.variant_id: line.net for line in quote.lines}

    def add(self, adjustment: Adjustment) -> Money:
        """Share one adjustment, and return the amount that counts, of which a discount may lose some.

        Raises ValueError or TypeError for one that does not fit the quote.
        """
        check(adjustment, self._quote, self._phase)
        counted = adjustment.amount
        if self._phase is PricePhase.DISCOUNT:
            counted = self._discount(adjustment)
        elif self._phase is PricePhase.TAX and not adjustment.included:
            self._give(adjustment.lines or {})
        if not adjustment.included:
            self._sum += counted
        return counted

    def applied(self) -> Quote:
        """The quote with the sum of the phase and the shares of its lines."""
        name, lines = self._phase.value, self._quote.lines
        if self._of:
            zero = Money.zero(self._quote.currency)
            lines = tuple(replace(line, **{name: self._of.get(line.variant_id, zero)}) for line in lines)
        return replace(self._quote, lines=lines, **{name: self._sum})

    def _discount(self, adjustment: Adjustment) -> Money:
        named, zero = adjustment.lines or {}, Money.zero(self._quote.currency)
        own = {id: min(amount, self._left[id]) for id, amount in named.items()}
        self._take(own)
        left = sum(self._left.values(), zero)
        rest = min(adjustment.amount - sum(named.values(), zero), left)
        shares = rest.split([amount.minor for amount in self._left.values()])
        self._take(dict(zip(self._left, shares, strict=True)))
        return sum(own.values(), rest)

    def _take(self, parts: Parts) -> None:
        self._give(parts)
        for id, amount in parts.items():
            self._left[id] -= amount

    def _give(self, parts: Parts) -> None:
        for id, amount in parts.items():
            self._of[id] = self._of[id] + amount if id in self._of else amount


def check(adjustment: Adjustment, quote: Quote, phase: PricePhase) -> None:
    """Raises ValueError or TypeError where a rule returned what cannot be added to this quote."""
    zero, lines = Money.zero(quote.currency), adjustment.lines or {}
    if adjustment.amount < zero or any(amount < zero for amount in lines.values()):
        raise ValueError(f"{adjustment.label!r} is negative")
    if adjustment.included and phase is not PricePhase.TAX:
        raise ValueError(f"{adjustment.label!r} is included, which only a tax can be")
    if unknown := lines.keys() - {line.variant_id for line in quote.lines}:
        raise ValueError(f"{adjustment.label!r} is for variants that are not ordered: {unknown}")
    if sum(lines.values(), zero) > adjustment.amount:
        raise ValueError(f"the lines of {adjustment.label!r} pass its amount")
