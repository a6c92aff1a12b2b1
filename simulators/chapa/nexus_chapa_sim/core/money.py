"""Amounts in major units (birr, dollars) with two decimals, as the gateway writes them."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

CENT = Decimal("0.01")
MAX_AMOUNT = Decimal("999999999.99")

CURRENCIES = {"ETB": "Ethiopian Birr", "USD": "United States Dollar"}


def parse_amount(value: object) -> Decimal | None:
    """A finite number from JSON or form text, or None when it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value)
    if len(text) > 30 or not text.isascii() or "_" in text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def has_two_decimals(amount: Decimal) -> bool:
    """Whether an amount can be written with two decimals without rounding."""
    return amount == amount.quantize(CENT)


def percentage(amount: Decimal, percent: Decimal) -> Decimal:
    """A share of an amount, rounded half up to two decimals."""
    return (amount * percent / 100).quantize(CENT, rounding=ROUND_HALF_UP)


def two_decimals(amount: Decimal) -> str:
    """``400`` as ``"400.00"``."""
    return f"{amount:.2f}"


def json_number(amount: Decimal) -> int | float:
    """``100.00`` as ``100`` and ``3.50`` as ``3.5``."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
