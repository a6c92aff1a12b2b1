"""Imports that staff send in: received whole, worked on by whoever claims them, gone on with after a crash.

The counts of a batch and its last line are stored with the batch, in one transaction, under the worker's
claim. So a killed worker's import goes on where it was, and of two workers the one that lost its claim stores
nothing more.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedReader
from typing import Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy import Row, func, or_, select, text, update
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.importing.batches import Options, Outcome
from nexus_catalog.importing.chunks import ChunkReader, ChunkWriter, delete_chunks, write_chunks
from nexus_catalog.importing.images import Images
from nexus_catalog.importing.records import READERS, ImportFault, Reader
from nexus_catalog.importing.refused import refusal_writer
from nexus_catalog.importing.run import Totals, import_currency, import_records
from nexus_catalog.models import Import
from nexus_catalog.services.ownership import OPERATOR
from nexus_kernel import invalid_field, new_id, reading, settings, transaction
from nexus_kernel.context import current_actor_id, set_actor_id

CLAIM_SECONDS = 60
"""How long a worker that says nothing keeps its import."""
BEAT_SECONDS = 10.0
MOST_ATTEMPTS = 5
_OPEN = Import.state.in_(("queued", "running"))
_FREE = or_(Import.claimed_until.is_(None), Import.claimed_until < func.now())
_UNTIL = func.now() + text(f"INTERVAL '{CLAIM_SECONDS} seconds'")


class ClaimLost(Exception):
    """Another worker has taken over; nothing more may be stored."""


def receive(session: Session, stream: BinaryIO, format: str, values: dict[str, Any]) -> UUID:
    """Store what is sent in, to be imported; its id. Raises Invalid for an empty body or unknown currency."""
    try:
        currency = import_currency(values.get("currency"))
    except ImportFault as fault:
        raise invalid_field("currency", f"{fault}.") from None
    job = Import(
        id=new_id(),
        format=format,
        currency=currency,
        dry_run=values["dry_run"],
        set_stock=values["set_stock"],
        actor_id=current_actor_id(),
        size=0,
    )
    session.add(job)
    session.flush()
    job.size = write_chunks(session, job.id, "input", stream)
    if not job.size:
        raise invalid_field("body", "It is empty: send a file of CSV or JSON Lines.")
    session.flush()
    return job.id


def run_import(import_id: UUID) -> None:
    """Import what was sent in, unless it is done or somebody else does so now."""
    job = _claimed(import_id)
    if job is None:
        return
    with _acting(job.actor_id):
        try:
            _Work(job).run()
        except ImportFault as fault:
            _finish(job.id, job.claim, state="failed", error=str(fault)[:2000])
        except ClaimLost:
            return


def due_imports() -> list[UUID]:
    """The imports that nobody works on."""
    with reading() as session:
        due = select(Import.id).where(_OPEN, _FREE).order_by(Import.created_at).limit(20)
        return list(session.scalars(due))


def prune_imports() -> None:
    """Forget imports that finished long ago."""
    horizon = func.now() - text("make_interval(days => :days)").bindparams(
        days=settings(CatalogConfig).import_retention_days
    )
    with transaction() as session:
        old = select(Import.id).where(~_OPEN, Import.finished_at < horizon).scalar_subquery()
        session.execute(Import.__table__.delete().where(Import.id.in_(old)))  # type: ignore[attr-defined]


class _Work:
    """One worker's attempt at one import."""

    def __init__(self, job: Row[Any]) -> None:
        self._job = job
        self._chunks = ChunkReader(job.id, "input")
        self._last_beat = time.monotonic()
        self._refused = ChunkWriter(job.id, "refused", self._hold)
        resumed = {} if job.dry_run else {"created": job.created, "updated": job.updated}
        self._totals = Totals(**resumed, unchanged=0 if job.dry_run else job.unchanged, images=job.images)

    def run(self) -> None:
        """Raises ImportFault for a file without sense, and ClaimLost."""
        job, options = self._job, Options(self._job.currency, self._job.dry_run, self._job.set_stock)
        with transaction() as session:
            self._hold(session)
            delete_chunks(session, job.id, "refused")
        reader = READERS[job.format](cast(BinaryIO, BufferedReader(self._chunks, 65536)))
        actor = replace(OPERATOR, id=job.actor_id)
        report = _on_first(lambda: refusal_writer(cast(BinaryIO, self._refused), reader))
        with Images(None, actor=actor, dry_run=job.dry_run, beat=self._beat_when_due) as images:
            images.added = job.images
            batches = import_records(
                reader, options, self._totals, report, images, self._stored, job.done_line
            )
            for _ in batches:
                self._beat(reader)
        self._refused.close()
        self._beat(reader)
        _finish(job.id, job.claim, state="done")

    def _stored(self, session: Session, outcome: Outcome) -> None:
        """Count a batch in the transaction that stores it."""
        counts = {
            "created": Import.created + outcome.created,
            "updated": Import.updated + outcome.updated,
            "unchanged": Import.unchanged + outcome.unchanged,
            "done_line": func.greatest(Import.done_line, outcome.last_line),
        }
        _write(session, self._job, claimed_until=_UNTIL, **counts)

    def _beat(self, reader: Reader) -> None:
        totals = self._totals
        progress = {
            "position": self._chunks.position,
            "refused": totals.refused,
            "images": totals.images,
            "images_refused": totals.images_refused,
            "warnings": list(reader.warnings),
        }
        if self._job.dry_run:
            progress |= {name: getattr(totals, name) for name in ("created", "updated", "unchanged")}
        with transaction() as session:
            _write(session, self._job, claimed_until=_UNTIL, **progress)
        self._last_beat = time.monotonic()

    def _beat_when_due(self) -> None:
        if time.monotonic() - self._last_beat > BEAT_SECONDS:
            with transaction() as session:
                self._hold(session)
            self._last_beat = time.monotonic()

    def _hold(self, session: Session) -> None:
        _write(session, self._job, claimed_until=_UNTIL)


def _claimed(import_id: UUID) -> Row[Any] | None:
    """Take the import, or give it up when too many workers died of it."""
    claim = new_id()
    mine = update(Import).where(Import.id == import_id, _OPEN, _FREE)
    with transaction() as session:
        job = session.execute(
            mine.values(
                state="running", claim=claim, claimed_until=_UNTIL, attempts=Import.attempts + 1
            ).returning(*Import.__table__.c)
        ).one_or_none()
    if job is not None and job.attempts > MOST_ATTEMPTS:
        _finish(import_id, claim, state="failed", error=f"it was begun {MOST_ATTEMPTS} times and never ended")
        return None
    return job


def _write(session: Session, job: Row[Any], **values: Any) -> None:
    held = update(Import).where(Import.id == job.id, Import.claim == job.claim, Import.state == "running")
    if not session.execute(held.values(**values).returning(Import.id)).scalar():
        raise ClaimLost


def _finish(import_id: UUID, claim: UUID, **values: Any) -> None:
    with transaction() as session:
        mine = update(Import).where(Import.id == import_id, Import.claim == claim)
        ended = mine.values(finished_at=func.now(), claim=None, claimed_until=None, **values)
        if session.execute(ended.returning(Import.id)).scalar():
            delete_chunks(session, import_id, "input")


def _on_first(make: Callable[[], Callable[[Any], None]]) -> Callable[[Any], None]:
    """A writer that is made when it is first called, so that without refusals there is no file."""
    made: list[Callable[[Any], None]] = []

    def write(item: Any) -> None:
        if not made:
            made.append(make())
        made[0](item)

    return write


@contextmanager
def _acting(actor_id: UUID | None) -> Iterator[None]:
    before = current_actor_id()
    set_actor_id(actor_id)
    try:
        yield
    finally:
        set_actor_id(before)
