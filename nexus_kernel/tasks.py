"""Background work: declared tasks, the Celery application, and a dispatcher that never makes a request wait.

Celery carries ids, never payloads, and a message may be lost with its broker: whatever must happen is a row
that a periodic task finds again.
"""

import atexit
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app

from nexus_kernel.context import current_trace_id, restored_trace_id, set_trace_id
from nexus_kernel.db import on_commit

if TYPE_CHECKING:
    from celery import Celery

log = logging.getLogger("nexus.tasks")

QUEUE = "nexus"
TRACE_HEADER = "nexus_trace_id"
"""Where a message says which request caused it."""


@dataclass(frozen=True, slots=True)
class Task:
    """A function that a worker runs inside an application context, under a name like `catalog.reindex`.

    Its arguments are JSON scalars. It may run twice and must be safe to.
    """

    name: str
    function: Callable[..., Any]

    def enqueue(self, *args: str | int) -> None:
        """Send it to a worker after the transaction under way is committed."""
        dispatcher: Dispatcher = current_app.extensions["nexus"].dispatcher
        on_commit(lambda: dispatcher.send(self.name, *args))


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task without arguments that the beat sends every `seconds`."""

    task: Task
    seconds: float


def task(name: str) -> Callable[[Callable[..., Any]], Task]:
    """Declare the decorated function as a task of this name; list it in `nexus_tasks`."""
    return lambda function: Task(name, function)


class Dispatcher:
    """Hands messages to the broker from a thread of its own.

    A request never waits for the broker and never fails because of it. Equal messages that wait together are
    sent once. With the broker away messages are dropped: the sweeps find their rows.
    """

    def __init__(self, celery: Callable[[], "Celery"], capacity: int = 1000) -> None:
        self._celery = celery
        self._queue: queue.Queue[tuple[str, tuple[str | int, ...], str | None]] = queue.Queue(capacity)
        self._waiting: set[tuple[str, tuple[str | int, ...]]] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, name: str, *args: str | int) -> None:
        """Queue a message; returns at once."""
        message = (name, args)
        with self._lock:
            if message in self._waiting or self._queue.full():
                return
            self._waiting.add(message)
            self._queue.put_nowait((name, args, current_trace_id()))
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def flush(self, timeout: float = 2.0) -> None:
        """Wait until everything queued has been handed over, for at most `timeout` seconds."""
        if self._thread is not None and self._thread.is_alive():
            waiter = threading.Thread(target=self._queue.join, daemon=True)
            waiter.start()
            waiter.join(timeout)

    def _start(self) -> None:
        # It asks to be told of the process's end, which is refused once that has begun; Celery is late.
        import concurrent.futures.thread  # noqa: F401

        atexit.register(self.flush, 5.0)
        self._thread = threading.Thread(target=self._run, name="nexus-dispatcher", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            name, args, trace_id = self._queue.get()
            with self._lock:
                self._waiting.discard((name, args))
            try:
                headers = {TRACE_HEADER: trace_id}
                self._celery().send_task(name, args=args, queue=QUEUE, retry=False, headers=headers)
            except Exception as error:
                log.warning("the broker did not take %s (%s); a sweep will find the work", name, error)
            finally:
                self._queue.task_done()


def make_celery(app: Flask) -> "Celery":
    """The Celery application with every declared task and the beat's schedule."""
    from celery import Celery

    nexus = app.extensions["nexus"]
    celery = Celery("nexus", broker=nexus.config.redis_url, set_as_current=False)
    celery.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_connect_timeout": 2,
            "socket_timeout": 5,
            "socket_keepalive": True,
            "visibility_timeout": 600,
        },
        beat_max_loop_interval=5,
        timezone="UTC",
        beat_schedule={
            p.task.name: {
                "task": p.task.name,
                "schedule": p.seconds,
                "options": {"expires": max(p.seconds, 10)},
            }
            for p in nexus.periodics
        },
    )
    for declared in nexus.tasks.values():
        celery.task(name=declared.name, bind=True)(_in_context(app, declared))
    return celery


def _in_context(app: Flask, declared: Task) -> Callable[..., Any]:
    def run(message: Any, *args: str | int) -> None:
        with app.app_context(), restored_trace_id():
            set_trace_id((message.request.headers or {}).get(TRACE_HEADER))
            declared.function(*args)

    run.__name__ = declared.name.replace(".", "_")
    return run
