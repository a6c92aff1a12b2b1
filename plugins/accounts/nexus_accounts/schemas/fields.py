"""Fields of people."""

import re
import unicodedata
from typing import Any

import marshmallow as ma

from nexus_accounts.addresses import normalise_email
from nexus_accounts.passwords import MAXIMUM
from nexus_kernel import Text, current_nexus

_USERNAME = re.compile(r"\w[\w.-]{2,29}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,18}")


def _ascii(text: str) -> None:
    if not text.isascii() or not text.isprintable():
        raise ma.ValidationError("Must be a token as the server gave it.")


class Email(Text):
    """A deliverable-looking address; loaded with a canonical domain."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(254, minimum=3, metadata={"format": "email"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > 254:
            raise ma.ValidationError("Longer than maximum length 254.")
        lenient = current_nexus().config.environment != "production"
        try:
            return normalise_email(text, allow_test_domains=lenient)
        except ValueError as error:
            raise ma.ValidationError(str(error)) from None


class Password(ma.fields.String):
    """A password as it was typed."""

    def __init__(self, **kwargs: Any) -> None:
        limits = ma.validate.Length(min=1, max=MAXIMUM)
        super().__init__(validate=limits, metadata={"format": "password"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ma.ValidationError("Must be valid Unicode text.")
        return text


class Username(Text):
    """3 to 30 letters, digits, dots, hyphens or underscores, of any script."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(30, minimum=3, allow_none=True, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = unicodedata.normalize("NFKC", super()._deserialize(value, attr, data, **kwargs))
        if not _USERNAME.fullmatch(text):
            raise ma.ValidationError("Must be 3 to 30 letters, digits, dots, hyphens or underscores.")
        return text


class Phone(Text):
    """A telephone number as people write it, or nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(20, metadata={"example": "+251 911 234567"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and not _PHONE.fullmatch(text):
            raise ma.ValidationError("Must be a telephone number such as +251 911 234567.")
        return text


class TokenText(ma.fields.String):
    """A token as the server gave it."""

    def __init__(self) -> None:
        super().__init__(required=True, validate=[ma.validate.Length(min=1, max=4096), _ascii])
