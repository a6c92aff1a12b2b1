"""Bodies of changing a password or an address."""

from typing import Any

import marshmallow as ma

from nexus_accounts.schemas.fields import Email, Password, TokenText
from nexus_kernel import Schema


class NewPasswordSchema(Schema):
    """A password, typed twice."""

    new_password = Password(required=True)
    re_new_password = Password(required=True)

    @ma.validates_schema
    def check_typed_alike(self, data: dict[str, Any], **kwargs: Any) -> None:
        """The password is typed twice alike."""
        if data["new_password"] != data["re_new_password"]:
            raise ma.ValidationError({"re_new_password": ["The two passwords differ."]})


class ResetPasswordSchema(Schema):
    """Who wants a new password."""

    email = Email(required=True)


class ResetPasswordConfirmSchema(NewPasswordSchema):
    """What the mailed link carries, and the new password."""

    uid = ma.fields.UUID(required=True)
    token = TokenText()


class SetPasswordSchema(NewPasswordSchema):
    """The password so far, and the new one."""

    current_password = Password(required=True)


class SetEmailSchema(Schema):
    """The address that one wants, and the password."""

    new_email = Email(required=True)
    current_password = Password(required=True)


class SetEmailConfirmSchema(Schema):
    """What the link carries that was mailed to the new address."""

    uid = ma.fields.UUID(required=True)
    token = TokenText()
