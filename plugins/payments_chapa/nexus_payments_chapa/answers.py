"""Reading what Chapa says: amounts as text or numbers, members that may be missing, refusals."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nexus_kernel.contracts.payments import Failure, FailureCode, Result, Status
from nexus_kernel.money import Money, MoneyError

NOT_FOUND = "Invalid transaction or Transaction not found"


def read_money(amount: Any, currency: str) -> Money | None:
    """The amount, from the decimal text that it was written in; None when it is none."""
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        return None
    try:
        return Money.parse(amount, currency)
    except (MoneyError, ArithmeticError):
        return None


def read_text(data: Mapping[str, Any], name: str) -> str | None:
    """A member that is text, and not empty."""
    value = data.get(name)
    return value if isinstance(value, str) and value else None


def refused(code: FailureCode, message: str, raw: Mapping[str, Any], *, retryable: bool = False) -> Result:
    """Nothing was done."""
    failure = Failure(code=code, safe_message=message, retryable=retryable)
    return Result(status=Status.DECLINED, failure=failure, raw=raw)
