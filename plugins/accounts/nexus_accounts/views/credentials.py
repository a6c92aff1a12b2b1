"""Routes: a new password, another address."""

from typing import Any

from nexus_accounts.schemas.credentials import (
    ResetPasswordConfirmSchema,
    ResetPasswordSchema,
    SetEmailConfirmSchema,
    SetEmailSchema,
    SetPasswordSchema,
)
from nexus_accounts.services import credentials
from nexus_accounts.views.blueprint import blp
from nexus_accounts.views.throttles import count_link, count_mail, count_mail_of
from nexus_kernel import client_network, current_actor, transaction


@blp.post("/auth/users/reset_password/")
@blp.public
@blp.arguments(ResetPasswordSchema)
@blp.response(204)
def reset_password(data: dict[str, Any]) -> None:
    """Ask for a link that sets a new password. The answer says nothing about the address."""
    count_mail(data["email"])
    with transaction():
        credentials.ask_for_reset(data["email"])


@blp.post("/auth/users/reset_password_confirm/")
@blp.public
@blp.arguments(ResetPasswordConfirmSchema)
@blp.response(204)
def reset_password_confirm(data: dict[str, Any]) -> None:
    """Set a new password with a mailed link, which confirms the address too. Every device is signed out."""
    count_link()
    credentials.reset_password(data["uid"], data["token"], data["new_password"], client_network())


@blp.post("/auth/users/set_password/")
@blp.requires("accounts.me.write")
@blp.arguments(SetPasswordSchema)
@blp.response(204)
def set_password(data: dict[str, Any]) -> None:
    """Change one's password. Every device is signed out, this one too."""
    person_id = current_actor().person_id
    credentials.change_password(person_id, data["current_password"], data["new_password"])


@blp.post("/auth/users/set_email/")
@blp.requires("accounts.me.write")
@blp.arguments(SetEmailSchema)
@blp.response(204)
def set_email(data: dict[str, Any]) -> None:
    """Ask for another address: it gets a link, unless it is taken, which the answer does not tell."""
    person_id = current_actor().person_id
    count_mail_of(person_id)
    credentials.ask_for_email(person_id, data["current_password"], data["new_email"])


@blp.post("/auth/users/set_email_confirm/")
@blp.public
@blp.arguments(SetEmailConfirmSchema)
@blp.response(204)
def set_email_confirm(data: dict[str, Any]) -> None:
    """Confirm the new address with the link mailed to it. Every device is signed out."""
    count_link()
    with transaction() as session:
        credentials.Credentials(session).change_email(data["uid"], data["token"])
