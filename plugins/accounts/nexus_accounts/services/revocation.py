"""Ending everything that lets a person in."""

from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from nexus_accounts.models import RefreshFamily, SingleUseToken, User


def end_sign_ins(session: Session, user_id: UUID) -> None:
    """End every refresh token, access token and mailed link of this person, in the caller's transaction."""
    raised = update(User).where(User.id == user_id).values(token_version=User.token_version + 1)
    session.execute(raised.execution_options(synchronize_session=False))
    session.execute(delete(RefreshFamily).where(RefreshFamily.user_id == user_id))
    session.execute(delete(SingleUseToken).where(SingleUseToken.user_id == user_id))
