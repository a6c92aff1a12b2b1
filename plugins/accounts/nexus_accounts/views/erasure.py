"""Routes: getting everything that is kept of a person, and erasing it."""

from typing import Any
from uuid import UUID

from nexus_accounts.schemas.erasure import EraseMeSchema, ExportSchema
from nexus_accounts.services.erasure import Erasure, erase_own
from nexus_accounts.services.export import export_person
from nexus_accounts.services.people import Accounts
from nexus_accounts.views.blueprint import blp
from nexus_kernel import current_actor, reading, transaction


@blp.delete("/auth/users/me/")
@blp.requires("accounts.me.write")
@blp.arguments(EraseMeSchema)
@blp.response(204)
def erase_me(data: dict[str, Any]) -> None:
    """Erase oneself. Orders and payments stay, and say nothing of a person any more."""
    erase_own(current_actor(), data["current_password"])


@blp.post("/auth/users/<uuid:user_id>/erase/")
@blp.requires("accounts.user.erase")
@blp.response(204)
def erase_user(user_id: UUID) -> None:
    """Erase a person who asked for it."""
    with transaction() as session:
        Erasure(session, current_actor()).erase_other(user_id)


@blp.get("/accounts/me/export/")
@blp.requires("accounts.me.export")
@blp.response(200, ExportSchema)
def export_me() -> tuple[dict[str, Any], dict[str, str]]:
    """Everything that the shop keeps of oneself, a section for each plugin."""
    with reading() as session:
        user = Accounts(session).get_own(current_actor().person_id)
        document = export_person(user.id)
    return document, {"Content-Disposition": 'attachment; filename="my-data.json"'}
