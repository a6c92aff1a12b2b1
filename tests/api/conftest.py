"""The world that the tests of this folder share, one a module."""

from collections.abc import Iterator, Sequence

import pytest
from redis import Redis

from nexus_kernel.testing.engines import Engines
from nexus_kernel.testing.fixtures import lent_database, make_app
from nexus_kernel.testing.helpers import RecordingDispatcher

from .world import Snapshot, World

RATES = (
    "sign_in_client",
    "sign_in_account",
    "registration",
    "mail_client",
    "mail_account",
    "link",
    "refresh",
)
UNTHROTTLED = {f"{name}_rate": "" for name in RATES}
CONFIG = {"accounts": UNTHROTTLED, "kernel": {"access_token_minutes": 1440}}


@pytest.fixture(scope="module")
def kept_world(nexus_engines: Engines, nexus_plugins: Sequence[object]) -> Iterator[tuple[World, Snapshot]]:
    """A world, and its rows as they were at first."""
    with lent_database(nexus_engines, nexus_plugins) as url:
        app = make_app(nexus_engines, url, nexus_plugins, CONFIG)
        nexus = app.extensions["nexus"]
        with Redis.from_url(nexus.config.redis_url) as redis:
            redis.flushdb()
        nexus.dispatcher = RecordingDispatcher()
        made = World(app)
        snapshot = Snapshot(app)
        yield made, snapshot
        snapshot.drop()
        nexus.db.close()


@pytest.fixture
def world(kept_world: tuple[World, Snapshot]) -> Iterator[World]:
    """The world as it was made, whatever tests did to it before."""
    made, snapshot = kept_world
    yield made
    snapshot.restore()
