"""Who acts, and in which request: readable from everywhere below an edge."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_actor_id: ContextVar[UUID | None] = ContextVar("nexus_actor_id", default=None)
_trace_id: ContextVar[str | None] = ContextVar("nexus_trace_id", default=None)


def current_actor_id() -> UUID | None:
    """The person who acts, or None for an anonymous request and for background work."""
    return _actor_id.get()


def current_trace_id() -> str | None:
    """The id of the request under way (`X-Request-ID`), or of the one that caused this work; else None."""
    return _trace_id.get()


def set_actor_id(actor_id: UUID | None) -> None:
    """Note who acts; called by the authentication."""
    _actor_id.set(actor_id)


def set_trace_id(trace_id: str | None) -> None:
    """Note the request's id; called at its start and its end."""
    _trace_id.set(trace_id)


@contextmanager
def restored_trace_id() -> Iterator[None]:
    """Puts the trace id back at the end of the block, whatever was set inside."""
    token = _trace_id.set(_trace_id.get())
    try:
        yield
    finally:
        _trace_id.reset(token)
