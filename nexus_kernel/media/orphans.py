"""Files that no row refers to, by their keys: so none is lost track of, whatever crashes.

A key is written here before its file is stored, and leaves in the transaction of the row that refers to it.
When that row goes, the key comes back. A task deletes the files whose time is up. It looks at what is waste
and never at the store, so its cost does not grow with the number of files.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Index, String, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from nexus_kernel.db import Model
from nexus_kernel.errors import Unavailable
from nexus_kernel.tasks import Periodic, task

UPLOAD_TERM = timedelta(hours=1)
"""How long an upload may take from its first file to the commit of its row."""
BATCH = 500


class Orphan(Model):
    """A file without a row; deleted once it is due. `taken_at` is set when its deletion has begun."""

    __tablename__ = "nexus_media_orphan"
    __table_args__ = (Index("ix_nexus_media_orphan_due_at", "due_at"),)

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    due_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]


def announce(session: Session, keys: Collection[str]) -> None:
    """Note files that are about to be stored. Commit it before the first of them is."""
    due_at = func.now() + UPLOAD_TERM
    session.execute(insert(Orphan).values([{"key": key, "due_at": due_at} for key in keys]))


def adopt(session: Session, sizes: Mapping[str, Mapping[str, Any]]) -> None:
    """A row of this transaction refers to these files from now on.

    Raises Unavailable when the upload took so long that they are being deleted.
    """
    keys = _keys(sizes)
    waiting = (Orphan.key.in_(keys), Orphan.taken_at.is_(None))
    found = session.scalars(delete(Orphan).where(*waiting).returning(Orphan.key)).all()
    if len(found) < len(keys):
        raise Unavailable("The upload took too long; send it again.", headers={"Retry-After": "1"})


def abandon(session: Session, sizes: Mapping[str, Mapping[str, Any]] | None) -> None:
    """No row refers to these files any more: delete them after the commit. None is nothing."""
    if not sizes:
        return
    rows = insert(Orphan).values([{"key": key, "due_at": func.now()} for key in _keys(sizes)])
    session.execute(rows.on_conflict_do_update(index_elements=["key"], set_={"due_at": func.now()}))
    sweep.enqueue()


@task("nexus.media_sweep")
def sweep() -> None:
    """Delete the files that are due, without a lock or a transaction meanwhile.

    One that runs beside it, or after one that crashed, deletes some again, which does nothing.
    """
    nexus = current_app.extensions["nexus"]
    while keys := _take(nexus):
        nexus.media.delete(keys)
        with nexus.db.reading() as session:
            session.execute(delete(Orphan).where(Orphan.key.in_(keys)))


def _take(nexus: Any) -> list[str]:
    due = select(Orphan.key).where(Orphan.due_at <= func.now()).order_by(Orphan.due_at).limit(BATCH)
    due = due.with_for_update(skip_locked=True)
    with nexus.db.reading() as session:
        taken = update(Orphan).where(Orphan.key.in_(due)).values(taken_at=func.now())
        options = {"synchronize_session": False}
        return list(session.scalars(taken.returning(Orphan.key), execution_options=options))


def _keys(sizes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The keys of a stored picture; several sizes may share a file."""
    return sorted({size["key"] for size in sizes.values()})


TASKS = (sweep,)
PERIODICS = (Periodic(sweep, 60.0),)
