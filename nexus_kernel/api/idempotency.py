"""`Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header): one effect, one reply.

The claim is a row of its own short transaction. The reply is stored in the transaction of the effect, so that
there is never one without the other. A claim whose process died is taken over after `TAKE_OVER_AFTER`.
"""

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, current_app, make_response, request
from sqlalchemy import LargeBinary, UniqueConstraint, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from nexus_kernel.auth import current_actor
from nexus_kernel.db import Database, Keyed, Model, new_id
from nexus_kernel.errors import BadRequest, Conflict, Invalid
from nexus_kernel.tasks import Periodic, task

TAKE_OVER_AFTER = timedelta(seconds=60)
KEEP = timedelta(hours=24)


class IdempotencyKey(Keyed, Model):
    """A key that was used once; `status` is set when its reply is stored."""

    __tablename__ = "nexus_idempotency"
    __table_args__ = (UniqueConstraint("scope", "key"),)

    scope: Mapped[str]
    key: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    claim: Mapped[UUID]
    claimed_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)
    status: Mapped[int | None]
    content_type: Mapped[str | None]
    location: Mapped[str | None]
    etag: Mapped[str | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class IdempotencyInProgress(Conflict):
    """The first request with this key is still running."""

    code, title = "kernel.idempotency_in_progress", "The first request is still running"


class IdempotencyMismatch(Invalid):
    """The key was used with another payload."""

    code, title = "kernel.idempotency_key_reused", "The key was used with another payload"


class _NotKept(Exception):
    """A reply of 5xx: what was done for it is rolled back, and the key is free again."""

    def __init__(self, response: Response) -> None:
        self.response = response


def run_once(view: Callable[[], Any], *, atomic: bool) -> Response:
    """Run the view, or return the stored reply of the first request with this key.

    The reply is its status, body, Content-Type, Location and ETag; other headers are not kept.
    A key belongs to its sender, so a request with a key raises Unauthorized for a token that does not hold.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return make_response(view())
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise BadRequest("Idempotency-Key must have 1 to 200 printable characters.")
    db: Database = current_app.extensions["nexus"].db
    scope, claim = _scope(), new_id()
    stored = _claim(db, scope, key, claim)
    if stored is not None:
        return stored
    try:
        with db.transaction() if atomic else nullcontext():
            response = make_response(view())
            if response.status_code >= 500:
                raise _NotKept(response)
            with db.transaction():
                _store(db, scope, key, claim, response)
    except _NotKept as reply:
        _abandon(db, scope, key, claim)
        return reply.response
    except BaseException:
        _abandon(db, scope, key, claim)
        raise
    return response


def _scope() -> str:
    """Whose key it is. A guest's token is a secret, and must not pass for a person's id: it is hashed."""
    sender = str(current_actor().id or "anonymous")
    token = request.headers.get("X-Cart-Token")
    if token is not None and current_actor().is_anonymous:
        sender = f"guest-{hashlib.sha256(token.encode()).hexdigest()}"
    return f"{request.endpoint}:{request.path}:{sender}"


def _claim(db: Database, scope: str, key: str, claim: UUID) -> Response | None:
    """Claim the key; the stored reply when there is one. Raises where it is in use or was another payload."""
    digest = hashlib.sha256(request.get_data()).digest()
    row = IdempotencyKey
    statement = insert(row).values(id=claim, scope=scope, key=key, request_hash=digest, claim=claim)
    stale = row.claimed_at < func.clock_timestamp() - TAKE_OVER_AFTER
    claimed = statement.on_conflict_do_update(
        index_elements=[row.scope, row.key],
        set_={"claim": claim, "claimed_at": func.clock_timestamp()},
        where=(row.status.is_(None)) & stale & (row.request_hash == digest),
    ).returning(row.claim)
    with db.reading() as session:
        if session.execute(claimed).scalar() == claim:
            return None
        found = session.execute(select(row).where(row.scope == scope, row.key == key)).scalar()
    if found is None:
        raise IdempotencyInProgress(
            "The first request has just ended without a reply; send it again.", headers={"Retry-After": "1"}
        )
    if found.request_hash != digest:
        raise IdempotencyMismatch("Use a new Idempotency-Key for another payload.")
    if found.status is None:
        raise IdempotencyInProgress("Try again in a second.", headers={"Retry-After": "1"})
    kept = {"Location": found.location, "ETag": found.etag}
    headers = {name: value for name, value in kept.items() if value is not None}
    headers["Idempotent-Replayed"] = "true"
    return Response(found.body, found.status, headers, content_type=found.content_type)


def _store(db: Database, scope: str, key: str, claim: UUID, response: Response) -> None:
    row = IdempotencyKey
    with db.transaction() as session:
        kept = session.execute(
            update(row)
            .where(row.scope == scope, row.key == key, row.claim == claim)
            .values(
                status=response.status_code,
                content_type=response.content_type,
                location=response.headers.get("Location"),
                etag=response.headers.get("ETag"),
                body=response.get_data(),
            )
            .returning(row.id)
        ).scalar()
    if kept is None:
        raise IdempotencyInProgress(
            "Another request took this key over; send it again for its reply.", headers={"Retry-After": "1"}
        )


def _abandon(db: Database, scope: str, key: str, claim: UUID) -> None:
    row = IdempotencyKey
    with db.reading() as session:
        session.execute(
            delete(row).where(row.scope == scope, row.key == key, row.claim == claim, row.status.is_(None))
        )


@task("nexus.idempotency_prune")
def prune() -> None:
    """Delete keys that are older than a day."""
    db: Database = current_app.extensions["nexus"].db
    with db.reading() as session:
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.claimed_at < func.now() - KEEP))


TASKS = (prune,)
PERIODICS = (Periodic(prune, 3600.0),)
