"""The picture of a person: at most one, whose files go with it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from nexus_accounts.models import Profile, User
from nexus_accounts.services.people import Accounts
from nexus_kernel import media, reading, transaction

SIZES = (media.Size("small", 64, square=True), media.Size("large", 256, square=True))
FOLDER = "accounts/avatars"


def change_profile(user_id: UUID, changes: Mapping[str, Any]) -> Profile:
    """Change texts and picture of a person's own profile; what is left out stays.

    `avatar` is the content of a file, or None to remove the picture. Opens its own transaction and must be
    called outside of one: none is open while the picture is decoded and stored. Raises AccountClosed, Invalid
    about `avatar`, Unavailable.
    """
    data = changes.get("avatar")
    texts = {name: value for name, value in changes.items() if name != "avatar"}
    sizes = None
    if data is not None:
        with reading() as session:
            Accounts(session).get_own(user_id)
        sizes = media.store_picture(FOLDER, data, SIZES, field="avatar")
    with transaction() as session:
        profile = Accounts(session).change_own(user_id, {"profile": texts}).profile
        if "avatar" in changes:
            _replace(session, profile, sizes)
    return profile


def remove_avatar(session: Session, user_id: UUID) -> None:
    """Remove a person's picture, if there is one, also of a closed account; its files go after the commit."""
    session.execute(select(User.id).where(User.id == user_id).with_for_update())
    profile = session.get(Profile, user_id)
    if profile is not None:
        _replace(session, profile, None)


def _replace(session: Session, profile: Profile, sizes: media.Sizes | None) -> None:
    """The person's row must be locked: what is read now is what the last one left."""
    session.refresh(profile, ["avatar"])
    if sizes is not None:
        media.adopt(session, sizes)
    media.abandon(session, profile.avatar)
    profile.avatar = sizes
    session.flush()
