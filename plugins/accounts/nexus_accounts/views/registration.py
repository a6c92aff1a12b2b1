"""Routes: registering and confirming an address."""

from typing import Any

from nexus_accounts.schemas.registration import (
    ActivationSchema,
    RegisteredSchema,
    RegisterSchema,
    ResendActivationSchema,
)
from nexus_accounts.services import registration
from nexus_accounts.views.blueprint import blp
from nexus_accounts.views.throttles import count_link, count_mail, count_registration
from nexus_kernel import transaction


@blp.post("/auth/users/")
@blp.public
@blp.arguments(RegisterSchema)
@blp.response(201, RegisteredSchema)
def register(data: dict[str, Any]) -> dict[str, Any]:
    """Register. A known address is answered like a new one; its owner finds out by mail, if at all."""
    count_registration()
    registration.register(data)
    return data


@blp.post("/auth/users/activation/")
@blp.public
@blp.arguments(ActivationSchema)
@blp.response(204)
def activate(data: dict[str, Any]) -> None:
    """Confirm an e-mail address with the link that was mailed to it.

    `password` becomes the account's and signs every device out. It is demanded (422
    `accounts.password_required`, the link still works) when several passwords were registered.
    """
    count_link()
    registration.activate(data["uid"], data["token"], data["password"])


@blp.post("/auth/users/resend_activation/")
@blp.public
@blp.arguments(ResendActivationSchema)
@blp.response(204)
def resend_activation(data: dict[str, Any]) -> None:
    """Ask for another activation mail. The answer says nothing about the address."""
    count_mail(data["email"])
    with transaction():
        registration.ask_for_link(data["email"])
