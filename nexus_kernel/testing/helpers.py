"""What tests do to an application."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask
from sqlalchemy import event

from nexus_kernel.db import new_id
from nexus_kernel.outbox import deliver_due
from nexus_kernel.outbox.store import RELAY
from nexus_kernel.tasks import Dispatcher
from nexus_kernel.tokens import issue_access_token

T = TypeVar("T")
N = TypeVar("N", int, float)


def rounds(short: N, whole: N) -> N:
    """How far a long proof goes: `whole` where NEXUS_PROVE is set, as `./dev prove` does, else `short`.

    Mark such a test with `@pytest.mark.proof`, so that `./dev prove` finds it.
    """
    return whole if os.environ.get("NEXUS_PROVE") else short


class RecordingDispatcher(Dispatcher):
    """Keeps what would have been sent to the broker, for `drain` to run."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, tuple[str | int, ...]]] = []

    def send(self, name: str, *args: str | int) -> None:
        self.sent.append((name, args))

    def flush(self, timeout: float = 2.0) -> None:
        """Nothing waits."""


def drain(app: Flask) -> None:
    """Do here what workers would do: deliver what is due and run what was enqueued, until nothing is left."""
    nexus = app.extensions["nexus"]
    with app.app_context():
        while True:
            delivered = deliver_due()
            waiting, nexus.dispatcher.sent = nexus.dispatcher.sent, []
            tasks = [message for message in dict.fromkeys(waiting) if message[0] != RELAY]
            for name, args in tasks:
                nexus.tasks[name].function(*args)
            if not delivered and not tasks:
                return


def auth_headers(app: Flask, *roles: str, person_id: UUID | None = None) -> dict[str, str]:
    """The header of a person with these roles; a new person, whom no plugin knows, unless an id is given.

    The application has seen the token already and takes its word: looking it up is not what a test counts.
    """
    with app.app_context():
        token = issue_access_token(person_id or new_id(), roles)
        app.extensions["nexus"].tokens.remember(token)
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Queries:
    """The statements that reached PostgreSQL, with BEGIN, COMMIT and ROLLBACK of real transactions."""

    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)

    def __str__(self) -> str:
        return "\n".join(self.statements)


@contextmanager
def count_queries(app: Flask) -> Iterator[Queries]:
    """Everything that is sent to the database inside the block: `assert len(queries) == 2, str(queries)`."""
    engine, queries = app.extensions["nexus"].db.base_engine, Queries()

    def on_statement(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        queries.statements.append(statement)

    def on_boundary(word: str) -> Callable[[Any], None]:
        def note(conn: Any) -> None:
            if not conn.connection.dbapi_connection.autocommit:
                queries.statements.append(word)

        return note

    listeners: list[tuple[str, Callable[..., None]]] = [
        ("before_cursor_execute", on_statement),
        ("begin", on_boundary("BEGIN")),
        ("commit", on_boundary("COMMIT")),
        ("rollback", on_boundary("ROLLBACK")),
    ]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield queries
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def in_threads(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Run all of these at once, each in a thread of its own, released together; their results in order."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
