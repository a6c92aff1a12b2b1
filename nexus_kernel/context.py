"""Who acts, and in which request: readable from everywhere below an edge."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

F = TypeVar("F", bound=Callable[..., Any])

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


def skippable(function: F) -> F:
    """Mark a function of `before_request`, `after_request` and the like that a kept answer does without.

    An answer out of the cache is given before Flask runs such functions. One that is not marked has to run,
    so where there is one, answers take the long way.
    """
    function.__dict__["_nexus_skippable"] = True
    return function


def is_skippable(function: Callable[..., Any]) -> bool:
    """Whether a function around every request is marked so."""
    return getattr(function, "_nexus_skippable", False)
