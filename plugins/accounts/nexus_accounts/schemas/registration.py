"""Bodies of registering and confirming an address."""

from typing import Any

import marshmallow as ma

from nexus_accounts.passwords import password_faults
from nexus_accounts.schemas.fields import Email, Password, TokenText, Username
from nexus_kernel import Schema, Text


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
