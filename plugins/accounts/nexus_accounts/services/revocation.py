"""Ending sign-ins: refresh tokens, access tokens and mailed links.

An access token carries the person's `token_version` and the family of refresh tokens that it came with, and
holds only as long as both do.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from nexus_accounts.models import RefreshFamily, SingleUseToken, User
from nexus_kernel import current_nexus, on_commit, reading

CLAIM = "accounts.sign_in"


def end_sign_ins(session: Session, user_id: UUID) -> None:
    """End every sign-in and every mailed link of a person, in the transaction under way.

    Call it when a password, an address or roles change and when an account is closed. This process refuses
    the person's access tokens once the transaction is committed, the others within
    `NEXUS_KERNEL__TOKEN_RECHECK_SECONDS`. The person's row is locked until then.
    """
    raised = {"token_version": User.token_version + 1}
    session.execute(update(User).where(User.id == user_id).values(raised))
    session.execute(delete(RefreshFamily).where(RefreshFamily.user_id == user_id))
    session.execute(delete(SingleUseToken).where(SingleUseToken.user_id == user_id))
    tokens = current_nexus().tokens
    on_commit(lambda: tokens.forget(user_id))


def sign_in_claim(token_version: int, family: UUID | None = None) -> dict[str, Any]:
    """What an access token says about the sign-in that it comes from."""
    value: dict[str, Any] = {"token_version": token_version}
    return value if family is None else {**value, "family": str(family)}


class SignInClaim:
    """Says whether the sign-in of an access token goes on. A token without one does not hold."""

    code = CLAIM

    def claim(self, person_id: UUID) -> Any:
        """The person's token version; None for nobody and for a closed account."""
        with reading() as session:
            version = session.scalar(select(User.token_version).where(User.id == person_id, User.is_active))
        return None if version is None else sign_in_claim(version)

    def holding(self, tokens: Sequence[tuple[UUID, Any]]) -> Sequence[bool]:
        """True for the tokens of open accounts whose version and family are current."""
        said = [_said(person_id, value) for person_id, value in tokens]
        family = RefreshFamily
        of_person = (family.user_id == User.id) & family.id.in_([name for _, _, name in said if name])
        statement = select(User.id, User.token_version, family.id).outerjoin(family, of_person)
        statement = statement.where(User.id.in_([person_id for person_id, _, _ in said]), User.is_active)
        with reading() as session:
            rows = [tuple(row) for row in session.execute(statement)]
        current = {*rows, *((person_id, version, None) for person_id, version, _ in rows)}
        return [one in current for one in said]


def _said(person_id: UUID, value: Any) -> tuple[UUID, int, UUID | None]:
    try:
        family = value.get("family")
        return person_id, int(value["token_version"]), UUID(family) if family else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return person_id, -1, None
