"""Fields that plugins share."""

import unicodedata
from decimal import Decimal
from typing import Any

import marshmallow as ma

from nexus_kernel.countries import COUNTRIES
from nexus_kernel.currencies import EXPONENTS
from nexus_kernel.money import Money

_CONTROL = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))))
_LINES = frozenset("\t\n\r")


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


class Country(ma.fields.String):
    """An ISO 3166-1 alpha-2 code."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": "^[A-Z]{2}$", "example": "ET", **kwargs.pop("metadata", {})}
        super().__init__(validate=_check_country, metadata=metadata, **kwargs)


class Text(ma.fields.String):
    """Text of `minimum` to `maximum` characters; stripped, and without control characters.

    It is one line, to go into a label, a subject or a cell; `multiline` allows line breaks and tabs.
    Text with nothing to see in it counts as empty.
    """

    def __init__(self, maximum: int, *, minimum: int = 0, multiline: bool = False, **kwargs: Any) -> None:
        super().__init__(validate=ma.validate.Length(min=minimum, max=maximum), **kwargs)
        self._forbidden = _CONTROL - _LINES if multiline else _CONTROL

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not self._forbidden.isdisjoint(text):
            raise ma.ValidationError("Must not contain control characters or line breaks.")
        return text.strip() if any(map(_can_be_seen, text)) else ""


def _can_be_seen(character: str) -> bool:
    """False for blanks and for format characters (Unicode category Cf), such as a zero-width space."""
    return not character.isspace() and unicodedata.category(character) != "Cf"


def _check_currency(code: str) -> None:
    if code not in EXPONENTS:
        raise ma.ValidationError("Must be an active ISO 4217 currency code.")


def _check_country(code: str) -> None:
    if code not in COUNTRIES:
        raise ma.ValidationError("Must be an ISO 3166-1 alpha-2 country code, such as ET.")
