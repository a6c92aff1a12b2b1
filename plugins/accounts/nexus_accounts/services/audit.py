"""Writing down what matters to security, and reading it."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from uuid import UUID, uuid5

from flask import has_request_context, request
from sqlalchemy import Select, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_accounts.models import Act, AuditEntry
from nexus_kernel import new_id, now, reading, task, transaction
from nexus_kernel.context import current_actor_id, current_trace_id

NOBODY = UUID(int=0)
PRUNED_AT_ONCE = 10_000
COARSE_ENTRY = (
    insert(AuditEntry.__table__)
    .values({column.key: bindparam(f"entry_{column.key}") for column in AuditEntry.__table__.columns})
    .on_conflict_do_nothing(index_elements=["id"])
)
"""The statement of `audit_coarsely`, to be part of another one.

It is for what people may do as often as they like: nobody fills the table by failing to sign in.
"""


def audit(
    session: Session, act: Act, subject_id: UUID, *, actor_id: UUID | None = None, **details: str | bool
) -> None:
    """Write down that `act` was done to this person, in the caller's transaction. One statement.

    The actor is whoever sent the request under way, unless one is given; the client's network and the
    request's id are noted. `details` are codes and ids, never an address or a name.
    """
    values = {**_circumstances(), "act": act, "subject_id": subject_id, "details": details}
    if actor_id is not None:
        values["actor_id"] = actor_id
    session.execute(insert(AuditEntry).values(id=new_id(), **values))


def audit_coarsely(session: Session, act: Act, subject_id: UUID | None, **circumstances: Any) -> None:
    """Like `audit`, but one entry a minute and person: further ones of the same minute write nothing."""
    session.execute(COARSE_ENTRY, coarse_values(act, subject_id, **circumstances))


def coarse_values(act: Act, subject_id: UUID | None, **circumstances: Any) -> dict[str, Any]:
    """The parameters of `COARSE_ENTRY`. The id says which minute it is, so of two at once one is kept."""
    moment = now()
    minute = uuid5(subject_id or NOBODY, f"{act} {moment:%Y-%m-%dT%H:%M}")
    values = {**_circumstances(), **circumstances, "act": act, "subject_id": subject_id}
    values |= {"id": minute, "created_at": moment, "details": {}}
    return {f"entry_{name}": value for name, value in values.items()}


def report_failed_sign_in(subject_id: UUID | None) -> None:
    """Have a worker write down that somebody failed to sign in, coarsely.

    Nothing is written here: the answer takes the same time for a known address and for an unknown one. With
    the broker away the report is lost.
    """
    with transaction():
        record_failed_sign_in.enqueue(str(subject_id or ""), client_network())


@task("accounts.record_failed_sign_in")
def record_failed_sign_in(subject_id: str, network: str) -> None:
    """Write one entry a minute and person; an empty id is an address that nobody has."""
    subject = UUID(subject_id) if subject_id else None
    with reading() as session:
        audit_coarsely(session, Act.SIGN_IN_FAILED, subject, network=network)


def client_network() -> str:
    """The /24 (IPv4) or /48 (IPv6) that the request came from: a place, not a person. Else empty."""
    if not has_request_context():
        return ""
    try:
        address = ip_address((request.remote_addr or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


class AuditRecord:
    """Reads the record, and forgets what is old."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def entries(self, filters: Mapping[str, Any]) -> Select[Any]:
        """The entries that fit, for `paginate` by (created_at, id)."""
        statement = select(*AuditEntry.__table__.columns)
        for name in ("subject_id", "actor_id", "act"):
            if name in filters:
                statement = statement.where(getattr(AuditEntry, name) == filters[name])
        if "since" in filters:
            statement = statement.where(AuditEntry.created_at >= filters["since"])
        return statement

    def prune(self, retention: timedelta) -> int:
        """Delete some older entries; how many. Needs a transaction, for the flag the trigger asks for."""
        self._session.execute(select(func.set_config("accounts.audit_prune", "on", True)))
        old = select(AuditEntry.id).where(AuditEntry.created_at < now() - retention).limit(PRUNED_AT_ONCE)
        deleted = self._session.execute(
            delete(AuditEntry).where(AuditEntry.id.in_(old)).returning(AuditEntry.id)
        )
        return len(deleted.all())


def _circumstances() -> dict[str, Any]:
    return {
        "actor_id": current_actor_id(),
        "network": client_network(),
        "request_id": current_trace_id(),
    }
