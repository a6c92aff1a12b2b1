"""`/healthz`: the process answers. `/readyz`: everything it needs answers too."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from nexus_kernel.cache import redis_error
from nexus_kernel.registry import Owned

log = logging.getLogger("nexus.health")


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """A question about something the plugin needs.

    `check` returns None when all is well, else a sentence. A `critical` failure makes `/readyz` answer 503;
    any other is reported there and the deployment stays in service.
    """

    name: str
    check: Callable[[], str | None]
    critical: bool = False


def register_health(app: Flask, checks: Iterable[Owned[HealthCheck]], quarantined: Iterable[str]) -> None:
    """Add the two routes."""
    blueprint = Blueprint("health", __name__)
    all_checks = [
        HealthCheck("database", lambda: _database(app), critical=True),
        HealthCheck("redis", lambda: _redis(app)),
        *(owned.value for owned in checks),
    ]
    dropped = sorted(quarantined)

    @blueprint.get("/healthz")
    def healthz() -> ResponseReturnValue:
        return jsonify(status="ok")

    @blueprint.get("/readyz")
    def readyz() -> ResponseReturnValue:
        results = {check.name: _run(check) for check in all_checks}
        failed = [check for check in all_checks if results[check.name] is not None]
        down = any(check.critical for check in failed)
        body: dict[str, Any] = {
            "status": "unavailable" if down else "degraded" if failed or dropped else "ok",
            "checks": {name: result or "ok" for name, result in results.items()},
            "quarantined": dropped,
        }
        return jsonify(body), 503 if down else 200

    app.register_blueprint(blueprint)


def _run(check: HealthCheck) -> str | None:
    try:
        return check.check()
    except Exception as error:
        log.warning("health check %s failed: %s", check.name, error)
        return f"the check itself failed: {type(error).__name__}"


def _database(app: Flask) -> str | None:
    try:
        with app.extensions["nexus"].db.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "PostgreSQL does not answer; check DATABASE_URL and the server"
    return None


def _redis(app: Flask) -> str | None:
    try:
        app.extensions["nexus"].cache.client.ping()
    except redis_error():
        return "Redis does not answer; reads are slower and tasks wait, nothing is lost"
    return None
