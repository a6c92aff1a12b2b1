"""The measure of all: a bare Flask application that answers a small JSON, on the same server and flags."""

from flask import Flask


def create_app() -> Flask:
    """One route, no plugin, no hook."""
    app = Flask("hello")

    @app.get("/")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app
