"""Routes: one's own picture. It is sent with the profile."""

from nexus_accounts.services.avatars import remove_avatar
from nexus_accounts.views.blueprint import blp
from nexus_kernel import current_actor, transaction


@blp.delete("/accounts/profiles/me/avatar/")
@blp.requires("accounts.me.write")
@blp.response(204)
def delete_avatar() -> None:
    """Remove one's own picture; nothing happens when there is none."""
    with transaction() as session:
        remove_avatar(session, current_actor().person_id)
