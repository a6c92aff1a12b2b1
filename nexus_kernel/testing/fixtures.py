"""Fixtures for the tests of the kernel and of every plugin.

`app` is an application with a migrated database of its own, on a real PostgreSQL and Valkey: those of
`DATABASE_URL` and `REDIS_URL`, else embedded ones that live as long as the test run. A module chooses its
plugins and settings by overriding `nexus_plugins` and `nexus_config`.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy.engine import make_url

SECRET_KEY = "only-for-tests-" + "0" * 32


class Engines:
    """PostgreSQL and Valkey for one test process, and the templates that databases are copied from."""

    def __init__(self, admin_url: str, redis_url: str) -> None:
        self.admin_url = admin_url
        self.redis_url = redis_url
        self.templates: dict[tuple[str, ...], str] = {}

    def url(self, database: str) -> str:
        """The address of a database on this server."""
        return make_url(self.admin_url).set(database=database).render_as_string(hide_password=False)

    def create(self, name: str, template: str | None = None) -> str:
        """Create a database and return its address."""
        create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            create += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        self._execute(create)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database and whoever is connected to it."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        dsn = make_url(self.admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def nexus_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """The engines of this test process; embedded ones start on first use."""
    import os

    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        yield Engines(database_url, redis_url)
        return
    from nexus_kernel.embedded import EmbeddedPostgres, EmbeddedValkey

    folder: Path = tmp_path_factory.mktemp("engines")
    with (
        EmbeddedPostgres(folder / "postgres", durable=False, allow_system=True) as postgres,
        EmbeddedValkey(folder / "valkey", durable=False, allow_system=True) as valkey,
    ):
        yield Engines(postgres.url("postgres"), valkey.url)


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object] | None:
    """The plugins of the application under test, as for `create_app`; None means every installed one."""
    return None


@pytest.fixture
def nexus_config() -> Mapping[str, Mapping[str, Any]]:
    """Settings of the application under test, by section."""
    return {}


@pytest.fixture
def database_url(nexus_engines: Engines, nexus_plugins: Sequence[object] | None) -> Iterator[str]:
    """A migrated database for one test, copied from a template of the same plugins."""
    name = f"test_{secrets.token_hex(6)}"
    yield nexus_engines.create(name, _template(nexus_engines, nexus_plugins))
    nexus_engines.drop(name)


@pytest.fixture
def app(
    nexus_engines: Engines,
    database_url: str,
    nexus_plugins: Sequence[object] | None,
    nexus_config: Mapping[str, Mapping[str, Any]],
) -> Iterator[Flask]:
    """An application on its own database. Nothing is sent to the broker; `drain(app)` does the work."""
    from redis import Redis

    from nexus_kernel.testing.helpers import RecordingDispatcher

    application = make_app(nexus_engines, database_url, nexus_plugins, nexus_config)
    nexus = application.extensions["nexus"]
    with Redis.from_url(nexus.config.redis_url) as redis:
        redis.flushdb()
    nexus.dispatcher = RecordingDispatcher()
    yield application
    nexus.db.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of `app`."""
    return app.test_client()


def make_app(
    engines: Engines,
    database_url: str,
    plugins: Sequence[object] | None = None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> Flask:
    """An application for tests on this database."""
    from nexus_kernel import create_app

    given = config or {}
    kernel = {
        "environment": "test",
        "secret_key": SECRET_KEY,
        "database_url": database_url,
        "redis_url": engines.redis_url,
        "database_pool_size": 30,
        "log_level": "WARNING",
        **given.get("kernel", {}),
    }
    return create_app({**given, "kernel": kernel}, plugins=plugins)


def _template(engines: Engines, plugins: Sequence[object] | None) -> str:
    from nexus_kernel import migrations

    key = ("*",) if plugins is None else tuple(str(getattr(p, "__name__", None) or p) for p in plugins)
    if key not in engines.templates:
        name = f"template_{secrets.token_hex(6)}"
        application = make_app(engines, engines.create(name), plugins)
        migrations.upgrade(application)
        application.extensions["nexus"].db.close()
        engines.templates[key] = name
    return engines.templates[key]
