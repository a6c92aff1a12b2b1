"""The queue of mails: one short statement for each step, so that nothing is locked while a server is slow."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session, aliased

from nexus_kernel import new_id
from nexus_notifications.models import OPEN_STATES, EmailNotificationTask, MailState

Mail = EmailNotificationTask
SECRET_KEYS = ("token",)
"""Left in the context while the mail is on its way, and removed once it is sent."""
LONGEST_PAUSE = 3600.0


class Mails:
    """Adds, claims and settles mails. Each method is one statement and needs no transaction around it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        event_id: UUID,
        template: str,
        channel: str,
        recipient: str,
        user_id: UUID | None,
        context: Mapping[str, Any],
        domain: str,
    ) -> UUID | None:
        """Queue a mail and return its id; None when this event has brought it already."""
        mail_id = new_id()
        statement = insert(Mail).values(
            id=mail_id,
            event_id=event_id,
            template=template,
            channel=channel,
            recipient=recipient,
            user_id=user_id,
            context=dict(context),
            message_id=f"<{mail_id}@{domain}>",
        )
        unique = ["event_id", "template", "channel", "recipient"]
        statement = statement.on_conflict_do_nothing(index_elements=unique)
        return self._session.execute(statement.returning(Mail.id)).scalar()

    def due(self, limit: int) -> list[UUID]:
        """The mails whose time has come, the longest overdue first."""
        statement = select(Mail.id).where(_is_due(Mail)).order_by(Mail.next_attempt_at, Mail.id)
        return list(self._session.scalars(statement.limit(limit)))

    def claim(self, mail_id: UUID, *, lease: int, slots: int) -> Row[Any] | None:
        """Take a due mail for `lease` seconds and count the attempt.

        None when it is not due, somebody else takes it, or `slots` mails are being sent already.
        """
        other = aliased(Mail)
        being_sent = select(func.count()).where(
            other.claim.is_not(None),
            other.state.in_(OPEN_STATES),
            other.next_attempt_at > func.clock_timestamp(),
        )
        taken = (
            select(Mail.id)
            .where(Mail.id == mail_id, _is_due(Mail), being_sent.scalar_subquery() < slots)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(Mail)
            .where(Mail.id == taken.scalar_subquery())
            .values(claim=new_id(), attempts=Mail.attempts + 1, next_attempt_at=_after(lease))
            .returning(*Mail.__table__.columns)
        )
        return self._session.connection().execute(statement).first()

    def mark_sent(self, mail_id: UUID) -> None:
        """It was accepted. This holds whoever has claimed it by now."""
        context: Any = Mail.context
        for key in SECRET_KEYS:
            context = context.op("-", return_type=JSONB)(key)
        self._change(
            Mail.id == mail_id,
            state=MailState.SENT,
            sent_at=func.clock_timestamp(),
            context=context,
            claim=None,
            last_error=None,
        )

    def mark_failed(self, mail: Row[Any], error: str, *, pause: float | None) -> None:
        """Try again after `pause` seconds; None: never. Nothing, when the lease has gone to somebody else."""
        values: dict[str, Any] = {"claim": None, "last_error": error[:2000]}
        if pause is None:
            values["state"] = MailState.DEAD
        else:
            values.update(state=MailState.FAILED, next_attempt_at=_after(pause))
        self._change((Mail.id == mail.id) & (Mail.claim == mail.claim), **values)

    def retry(self, mail_id: UUID | None = None) -> list[UUID]:
        """Queue one mail that is not sent, or every dead one, as new; return their ids."""
        chosen = (
            Mail.state == MailState.DEAD
            if mail_id is None
            else and_(Mail.id == mail_id, Mail.state.in_((MailState.DEAD, MailState.FAILED)))
        )
        return self._change(
            chosen, state=MailState.QUEUED, attempts=0, claim=None, next_attempt_at=func.clock_timestamp()
        )

    def recent(self, state: MailState | None, limit: int) -> list[Mail]:
        """The newest mails, of one state or all."""
        statement = select(Mail).order_by(Mail.id.desc()).limit(limit)
        if state is not None:
            statement = statement.where(Mail.state == state)
        return list(self._session.scalars(statement))

    def dead_count(self, at_most: int) -> int:
        """How many are dead; counting stops at `at_most`."""
        some = select(Mail.id).where(Mail.state == "dead").limit(at_most).subquery()
        return self._session.execute(select(func.count()).select_from(some)).scalar_one()

    def _change(self, chosen: ColumnElement[bool], **values: Any) -> list[UUID]:
        statement = update(Mail).where(chosen).values(**values).returning(Mail.id)
        return list(self._session.connection().execute(statement).scalars())


def pause_after(attempts: int, first: float) -> float:
    """Seconds until the next attempt: `first`, twice that, ... at most an hour, with a jitter of half."""
    return min(LONGEST_PAUSE, first * 2.0 ** min(attempts - 1, 30)) * random.uniform(0.5, 1.0)


def _is_due(mail: type[Mail]) -> ColumnElement[bool]:
    return and_(mail.state.in_(OPEN_STATES), mail.next_attempt_at <= func.clock_timestamp())


def _after(seconds: float) -> Any:
    return func.clock_timestamp() + timedelta(seconds=seconds)
