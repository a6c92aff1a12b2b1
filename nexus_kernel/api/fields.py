"""Fields that plugins share."""

from decimal import Decimal
from typing import Any

import marshmallow as ma

from nexus_kernel.currencies import EXPONENTS
from nexus_kernel.money import LARGEST_MINOR, Money

_CONTROL = dict.fromkeys([*range(0x20), 0x7F, *range(0xD800, 0xE000)])
for _kept in (0x09, 0x0A, 0x0D):
    _CONTROL.pop(_kept)
LARGEST_MAJOR = LARGEST_MINOR // 1000


class Amount(ma.fields.String):
    """An amount of major units as a decimal string, `"199.00"`. It dumps Money, and loads a Decimal."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": r"^\d{1,12}(\.\d{1,3})?$", "example": "199.00", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        if not isinstance(value, Money):
            raise TypeError(f"{attr} is an amount and must be Money, not {type(value).__name__}")
        return str(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        whole, _, decimals = text.partition(".")
        digits = text.isascii() and whole.isdigit() and (decimals.isdigit() or "." not in text)
        if not digits or len(whole) > 12 or len(decimals) > 3:
            raise ma.ValidationError('Must be a decimal string such as "199.00".')
        return Decimal(text)


class Currency(ma.fields.String):
    """An ISO 4217 code."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": "^[A-Z]{3}$", "example": "ETB", **kwargs.pop("metadata", {})}
        super().__init__(validate=_check_currency, metadata=metadata, **kwargs)


class Text(ma.fields.String):
    """Text of `minimum` to `maximum` characters; stripped, and without control characters."""

    def __init__(self, maximum: int, *, minimum: int = 0, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Length(min=minimum, max=maximum), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text.translate(_CONTROL) != text:
            raise ma.ValidationError("Must not contain control characters.")
        return text.strip()


class Slug(Text):
    """A unicode slug: letters, digits and single hyphens."""

    def __init__(self, maximum: int = 200, **kwargs: Any) -> None:
        super().__init__(maximum, minimum=1, **kwargs)


def _check_currency(code: str) -> None:
    if code not in EXPONENTS:
        raise ma.ValidationError("Must be an active ISO 4217 currency code.")
