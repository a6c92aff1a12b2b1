"""The devices that a person is signed in on."""

from typing import Any
from uuid import UUID

from flask import has_request_context, request
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from nexus_accounts.models import Act, RefreshFamily
from nexus_accounts.services.audit import audit, client_network
from nexus_kernel import NotFound, current_nexus, now, on_commit

LONGEST_DEVICE = 200


def this_device() -> dict[str, str]:
    """What is kept of the client that signs in: what it calls itself, and its network."""
    named = request.headers.get("User-Agent", "") if has_request_context() else ""
    device = "".join(letter for letter in named if letter.isprintable())[:LONGEST_DEVICE]
    return {"device": device, "network": client_network()}


class Devices:
    """Lists and ends sign-ins, each of which is a family of refresh tokens."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, user_id: UUID) -> Select[Any]:
        """The person's sign-ins that hold, for `paginate` by id."""
        row = RefreshFamily
        columns = (row.id, row.device, row.network, row.created_at, row.rotated_at, row.expires_at)
        return select(*columns).where(row.user_id == user_id, row.expires_at > now())

    def end(self, user_id: UUID, family: UUID) -> None:
        """Sign one of the person's devices out; its access tokens end with the commit.

        Needs a transaction. Raises NotFound for a stranger's or an ended one.
        """
        row = RefreshFamily
        mine = delete(row).where(row.id == family, row.user_id == user_id).returning(row.id)
        if self._session.scalar(mine) is None:
            raise NotFound("You are not signed in there.")
        tokens = current_nexus().tokens
        on_commit(lambda: tokens.forget(user_id))
        audit(self._session, Act.SESSIONS_REVOKED, user_id, device=str(family))
