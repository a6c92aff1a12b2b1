"""Fixtures for the tests of the kernel and of every plugin.

`app` is an application with a migrated database of its own, on a real PostgreSQL and Valkey: those of
`DATABASE_URL` and `REDIS_URL`, else embedded ones that live as long as the test run. A module chooses its
plugins and settings by overriding `nexus_plugins` and `nexus_config`.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import make_url

from nexus_kernel.testing.engines import Engines

SECRET_KEY = "only-for-tests-" + "0" * 32


@pytest.fixture(scope="session")
def nexus_engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """The engines of this test process; embedded ones start on first use."""
    import os

    media = tmp_path_factory.mktemp("media")
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        yield Engines(database_url, redis_url, media)
        return
    from nexus_kernel.embedded import EmbeddedPostgres, EmbeddedValkey

    folder: Path = tmp_path_factory.mktemp("engines")
    with (
        EmbeddedPostgres(folder / "postgres", durable=False, allow_system=True) as postgres,
        EmbeddedValkey(folder / "valkey", durable=False, allow_system=True) as valkey,
    ):
        yield Engines(postgres.url("postgres"), valkey.url, media)


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
    """A migrated, empty database for one test, of the same plugins."""
    with lent_database(nexus_engines, nexus_plugins) as url:
        yield url


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


@contextmanager
def lent_database(engines: Engines, plugins: Sequence[object] | None) -> Iterator[str]:
    """The address of a migrated, empty database of these plugins; it is emptied again afterwards."""
    names = [str(getattr(plugin, "__name__", None) or plugin) for plugin in plugins or ("*",)]

    def migrate(url: str) -> None:
        from nexus_kernel import migrations

        application = make_app(engines, url, plugins)
        migrations.upgrade(application)
        application.extensions["nexus"].db.close()

    with engines.lent(tuple(names), migrate) as url:
        yield url


def make_app(
    engines: Engines,
    database_url: str,
    plugins: Sequence[object] | None = None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
) -> Flask:
    """An application for tests on this database."""
    from nexus_kernel import create_app

    given = config or {}
    in_production = given.get("kernel", {}).get("environment") == "production"
    kernel = {
        "environment": "test",
        "secret_key": secrets.token_urlsafe(48) if in_production else SECRET_KEY,
        "database_url": database_url,
        "redis_url": engines.redis_url,
        "media_store": str(engines.media / str(make_url(database_url).database)),
        "database_pool_size": 30,
        "log_level": "WARNING",
        **given.get("kernel", {}),
    }
    return create_app({**given, "kernel": kernel}, plugins=plugins)
