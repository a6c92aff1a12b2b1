"""Money: an integer of minor units and an ISO 4217 currency. A float is a TypeError, everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import Self

from nexus_kernel.currencies import EXPONENTS

LARGEST_MINOR = 10**15
"""The bound on an amount: it leaves a BIGINT column room for a sum of 9,000 such amounts."""


_EXACT = Context(prec=100, Emax=999_999, Emin=-999_999, traps=[Inexact, InvalidOperation, Overflow])
_LONGEST_TEXT = 50


class MoneyError(ValueError):
    """An amount that cannot be expressed: unknown currency, too many decimals, too large."""


class CurrencyMismatch(MoneyError):
    """Two amounts of different currencies were added or compared."""


def exponent(currency: str) -> int:
    """How many decimals the currency has: JPY 0, ETB 2, KWD 3. Raises MoneyError for an unknown code."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise MoneyError(f"{currency!r} is not an active ISO 4217 currency code") from None


def round_half_up(amount: Decimal) -> int:
    """The one rounding policy: to the nearest integer, halves away from zero."""
    return int(amount.to_integral_value(rounding=ROUND_HALF_UP, context=_EXACT))


@dataclass(frozen=True, slots=True)
class Money:
    """`Money(1999, "ETB")` is 19.99 birr."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are an int, not {type(self.minor).__name__}")
        exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, amount: str | int | Decimal, currency: str) -> Self:
        """The exact amount of major units. Raises MoneyError where it has more decimals than the currency."""
        if isinstance(amount, float | bool) or not isinstance(amount, str | int | Decimal):
            raise TypeError("an amount is text, an int or a Decimal, never a float")
        if len(str(amount)) > _LONGEST_TEXT:
            raise MoneyError(f"an amount has at most {_LONGEST_TEXT} characters")
        try:
            scaled = Decimal(amount).scaleb(exponent(currency), _EXACT)
        except DecimalException:
            raise MoneyError(f"{amount!r} is not a decimal number") from None
        if not scaled.is_finite() or abs(scaled) > LARGEST_MINOR:
            raise MoneyError(f"{amount!r} is out of range")
        if scaled != scaled.to_integral_value():
            raise MoneyError(f"{currency} amounts have {exponent(currency)} decimals")
        return cls(int(scaled), currency)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, with the currency's decimals."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __str__(self) -> str:
        digits = EXPONENTS[self.currency]
        whole, rest = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        return f"{sign}{whole}.{rest:0{digits}}" if digits else f"{sign}{whole}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, quantity: int) -> "Money":
        if type(quantity) is not int:
            raise TypeError("money is multiplied by an int; use times() for a rate")
        return Money(self.minor * quantity, self.currency)

    __rmul__ = __mul__

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def times(self, rate: Decimal) -> "Money":
        """This amount times an exact rate (`Decimal("0.15")`), rounded half up to minor units, once.

        Raises MoneyError for a rate that is not finite.
        """
        if not isinstance(rate, Decimal):
            raise TypeError("a rate is a Decimal")
        if not rate.is_finite():
            raise MoneyError(f"a rate is a finite number, not {rate}")
        numerator, denominator = rate.as_integer_ratio()
        doubled = 2 * abs(self.minor * numerator) + denominator
        rounded = doubled // (2 * denominator)
        return Money(rounded if self.minor * numerator >= 0 else -rounded, self.currency)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Shares in proportion to the weights, whose sum is this amount exactly (largest remainder).

        Equal remainders are served from the front. With all weights zero the shares are equal.
        """
        if not weights or any(weight < 0 for weight in weights):
            raise ValueError("weights are non-negative, and there is at least one")
        shares = list(weights) if any(weights) else [1] * len(weights)
        whole, sign = abs(self.minor), -1 if self.minor < 0 else 1
        floors = [whole * share // sum(shares) for share in shares]
        by_remainder = sorted(range(len(shares)), key=lambda i: -(whole * shares[i] % sum(shares)))
        for i in by_remainder[: whole - sum(floors)]:
            floors[i] += 1
        return [Money(sign * minor, self.currency) for minor in floors]

    def _same(self, other: "Money") -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money and {type(other).__name__} do not mix")
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.minor
