"""What every request is spared."""

import pytest
from flask import session

from nexus_kernel import Blueprint, Manifest, hookimpl

blp = Blueprint("plain", __name__, url_prefix="/api/plain")


@blp.get("/")
@blp.public
@blp.response(200)
def get_plain():
    return {"cookie": dict(session)}


@blp.post("/")
@blp.public
@blp.response(200)
def remember():
    session["person"] = "me"


class Plugin:
    MANIFEST = Manifest(name="plain", summary="Plain", url_prefixes=("/api/plain/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Plugin()]


def test_nobody_is_known_by_a_cookie(client):
    client.set_cookie("session", "eyJwZXJzb24iOiJtZSJ9.x.y")
    answer = client.get("/api/plain/")
    assert answer.json == {"cookie": {}} and "Set-Cookie" not in answer.headers


def test_writing_to_a_session_is_an_error_and_stores_nothing(client):
    answer = client.post("/api/plain/")
    assert answer.status_code == 500 and "Set-Cookie" not in answer.headers


def test_functions_are_looked_at_once_and_not_remembered_without_bound(app, client):
    client.get("/api/plain/")
    before = app._in_sync.cache_info()
    client.get("/api/plain/")
    after = app._in_sync.cache_info()
    assert after.misses == before.misses and after.hits > before.hits and after.maxsize
