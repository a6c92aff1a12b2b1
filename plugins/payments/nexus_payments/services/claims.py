"""Claiming due work: one statement that a crashed worker cannot hold on to."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from nexus_kernel import now, reading


def claim_due(
    model: type[Any], due_column: str, silent: set[str], lease: timedelta
) -> tuple[UUID, str] | None:
    """The id and provider of the row that is due longest, or None; it is due again after `lease`.

    Rows of the `silent` providers, and those that another worker is claiming, are passed over.
    """
    due_at = getattr(model, due_column)
    due = (
        select(model.id)
        .where(due_at <= now(), model.provider.not_in(silent))
        .order_by(due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(model)
        .where(model.id == due.scalar_subquery())
        .values({due_column: now() + lease})
        .returning(model.id, model.provider)
    )
    with reading() as session:
        row = session.execute(statement).first()
    return None if row is None else (row.id, row.provider)
