"""Bodies."""

import re
import unicodedata
from typing import Any

import marshmallow as ma

from nexus_accounts.addresses import normalise_email
from nexus_accounts.passwords import MAXIMUM, password_faults
from nexus_kernel import Schema, Text, current_nexus

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

    def __init__(self) -> None:
        super().__init__(20, metadata={"example": "+251 911 234567"})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and not _PHONE.fullmatch(text):
            raise ma.ValidationError("Must be a telephone number such as +251 911 234567.")
        return text


class TokenText(ma.fields.String):
    """A token as the server gave it."""

    def __init__(self) -> None:
        super().__init__(required=True, validate=[ma.validate.Length(min=1, max=4096), _ascii])


class RegisterSchema(Schema):
    """A new account."""

    email = Email(required=True)
    password = Password(required=True)
    re_password = Password(required=True)
    username = Username(load_default=None)
    first_name = Text(150, load_default="")
    last_name = Text(150, load_default="")

    @ma.validates_schema
    def check_password(self, data: dict[str, Any], **kwargs: Any) -> None:
        """The password is typed twice alike, and strong enough."""
        faults: dict[str, list[str]] = {}
        if data["password"] != data["re_password"]:
            faults["re_password"] = ["The two passwords differ."]
        personal = [data["email"], data["username"], data["first_name"], data["last_name"]]
        weak = password_faults(data["password"], personal)
        if weak:
            faults["password"] = weak
        if faults:
            raise ma.ValidationError(faults)


class RegisteredSchema(Schema):
    """What was asked for, the same for a new and for a known address."""

    email = ma.fields.String(required=True)
    username = ma.fields.String(required=True, allow_none=True)
    first_name = ma.fields.String(required=True)
    last_name = ma.fields.String(required=True)


class ActivationSchema(Schema):
    """What the activation link carries, and the account's password where it is to be chosen anew."""

    uid = ma.fields.UUID(required=True)
    token = TokenText()
    password = Password(load_default=None)


class ResendActivationSchema(Schema):
    """Who wants another link."""

    email = Email(required=True)


class ProfileSchema(Schema):
    """What a person tells about themselves."""

    phone = ma.fields.String(required=True)
    bio = ma.fields.String(required=True)


class ProfileUpdateSchema(Schema):
    """Changes of a profile; what is left out stays."""

    phone = Phone()
    bio = Text(2000, multiline=True)


class MeSchema(Schema):
    """One's own account."""

    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True)
    username = ma.fields.String(required=True, allow_none=True)
    first_name = ma.fields.String(required=True)
    last_name = ma.fields.String(required=True)
    roles = ma.fields.List(ma.fields.String(), required=True)
    is_seller = ma.fields.Boolean(required=True)
    profile = ma.fields.Nested(ProfileSchema, required=True)


class MeUpdateSchema(Schema):
    """Changes of one's own account; what is left out stays."""

    username = Username()
    first_name = Text(150)
    last_name = Text(150)
    profile = ma.fields.Nested(ProfileUpdateSchema)


class UserSchema(MeSchema):
    """An account as staff see it."""

    email_verified_at = ma.fields.DateTime(required=True, allow_none=True)
    is_active = ma.fields.Boolean(required=True)
    created_at = ma.fields.DateTime(required=True)


class CredentialsSchema(Schema):
    """What one signs in with."""

    email = Text(254, minimum=1, required=True, metadata={"format": "email"})
    password = Password(required=True)


class TokenPairSchema(Schema):
    """A short-lived access token, and a refresh token that is good for one use."""

    access = ma.fields.String(required=True)
    refresh = ma.fields.String(required=True)


class RefreshSchema(Schema):
    """A refresh token."""

    refresh = TokenText()


class TokenSchema(Schema):
    """An access token."""

    token = TokenText()


class VerifiedSchema(Schema):
    """An empty object: the token holds."""
