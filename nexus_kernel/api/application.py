"""The Flask application, without what no route of a shop needs and every request would pay for."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Request
from flask.sessions import SessionInterface

_Function = Callable[..., Any]


class NoSessions(SessionInterface):
    """Nobody is known by a cookie; writing to `flask.session` is an error.

    A plugin that needs cookies sets `app.session_interface` in `nexus_init_app`.
    """

    def open_session(self, app: Flask, request: Request) -> None:
        """Nothing to open: Flask makes a null session of it."""

    def save_session(self, *args: Any) -> None:
        """Nothing to save."""


class Application(Flask):
    """Flask, without cookies, and looking at each function once to see whether it is a coroutine's."""

    session_interface = NoSessions()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_sync: Callable[[_Function], _Function] = lru_cache(maxsize=1024)(super().ensure_sync)

    def ensure_sync(self, func: _Function) -> _Function:
        """As Flask's, remembered: it is asked for every function of every request."""
        return self._in_sync(func)
