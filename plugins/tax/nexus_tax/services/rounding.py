"""The rounding policies: how exact tax becomes minor units, half up, once.

A policy takes amounts in minor units and a rate as a fraction, and returns the tax of each of them.
"""

from collections.abc import Callable, Mapping, Sequence

from nexus_kernel import Money
from nexus_tax.config import ROUNDINGS

Policy = Callable[[Sequence[Money], int, int], list[Money]]


def per_line(amounts: Sequence[Money], numerator: int, denominator: int) -> list[Money]:
    """Each tax is rounded by itself; the total is their sum."""
    return [_rounded(amount, numerator, denominator) for amount in amounts]


def per_order(amounts: Sequence[Money], numerator: int, denominator: int) -> list[Money]:
    """The tax of the sum is rounded, and shared out by largest remainder."""
    if not amounts:
        return []
    whole = sum(amounts[1:], amounts[0])
    return _rounded(whole, numerator, denominator).split([amount.minor for amount in amounts])


POLICIES: Mapping[str, Policy] = dict(zip(ROUNDINGS, (per_line, per_order), strict=True))


def _rounded(amount: Money, numerator: int, denominator: int) -> Money:
    """Whole numbers only: amount * numerator / denominator, halves up. No amount is below 0."""
    doubled = 2 * amount.minor * numerator + denominator
    return Money(doubled // (2 * denominator), amount.currency)
