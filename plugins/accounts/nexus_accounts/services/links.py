"""Links that people are mailed: for one purpose and one use, kept as a hash, with an end."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from nexus_accounts.models import SingleUseToken
from nexus_kernel import new_id, now

MOST_LINKS = 5
"""How many links of one person and purpose work at a time; a further one ends the oldest."""


class Links:
    """The links of people whose rows the caller has locked."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def make(
        self, user_id: UUID, purpose: str, *, lifetime: timedelta, pause: timedelta, email: str | None = None
    ) -> str | None:
        """The token of a new link; None when the person was mailed one of this purpose a moment ago."""
        row, issued_at, token = SingleUseToken, now(), secrets.token_urlsafe(32)
        newest_first = (
            select(row.id, row.issued_at).where(*_of(user_id, purpose)).order_by(row.issued_at.desc())
        )
        links = self._session.execute(newest_first).all()
        if links and links[0].issued_at > issued_at - pause:
            return None
        surplus = [link.id for link in links[MOST_LINKS - 1 :]]
        self._session.execute(delete(row).where(row.id.in_(surplus)))
        values = {
            "id": new_id(),
            "user_id": user_id,
            "purpose": purpose,
            "token_hash": _digest(token),
            "email": email,
            "issued_at": issued_at,
            "expires_at": issued_at + lifetime,
        }
        self._session.execute(insert(row).values(values))
        return token

    def find(self, user_id: UUID, purpose: str, token: str) -> Any:
        """The link of this person, purpose and token; None when there is none that works."""
        row = SingleUseToken
        good = (row.token_hash == _digest(token), row.expires_at > now())
        return self._session.execute(select(row.id, row.email).where(*_of(user_id, purpose), *good)).first()

    def end(self, user_id: UUID, purpose: str) -> None:
        """No link of this person and purpose works any more."""
        self._session.execute(delete(SingleUseToken).where(*_of(user_id, purpose)))


def _of(user_id: UUID, purpose: str) -> tuple[Any, ...]:
    return (SingleUseToken.user_id == user_id, SingleUseToken.purpose == purpose)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
