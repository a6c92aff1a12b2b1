"""The picture of a person: sent with the profile, replaced, removed, and never left behind."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from nexus_accounts.services.avatars import remove_avatar
from PIL import Image

from nexus_kernel import migrations, transaction
from nexus_kernel.media.orphans import sweep
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads

ME = "/api/auth/users/me/"
PROFILE = "/api/accounts/profiles/me/"
AVATAR = f"{PROFILE}avatar/"


def picture(colour: str = "red", size: tuple[int, int] = (600, 300)) -> bytes:
    body = BytesIO()
    Image.new("RGB", size, colour).save(body, "JPEG")
    return body.getvalue()


@pytest.fixture
def abebe_id(person: Callable[..., UUID]) -> UUID:
    return person()


@pytest.fixture
def abebe(app: Flask, abebe_id: UUID) -> dict[str, str]:
    return auth_headers(app, person_id=abebe_id)


@pytest.fixture
def send(app: Flask, abebe: dict[str, str]) -> Callable[..., Any]:
    def send(data: bytes | None = None, **fields: Any) -> Any:
        files = {} if data is None else {"avatar": (BytesIO(data), "me.jpg")}
        return app.test_client().patch(
            PROFILE, data={**fields, **files}, headers=abebe, content_type="multipart/form-data"
        )

    return send


@pytest.fixture
def files(app: Flask) -> Callable[[], list[str]]:
    def files() -> list[str]:
        drain(app)
        return sorted(app.extensions["nexus"].media.list())

    return files


def keys(profile: dict[str, Any]) -> list[str]:
    return sorted({size["url"].removeprefix("/media/") for size in profile["avatar"].values()})


def test_a_person_shows_a_picture_cut_square(client: FlaskClient, send, abebe, files):
    reply = send(picture(), phone="+251 911 234567", bio="Runs")
    assert reply.status_code == 200
    assert (reply.json["phone"], reply.json["bio"]) == ("+251 911 234567", "Runs")
    avatar = reply.json["avatar"]
    assert {name: (s["width"], s["height"]) for name, s in avatar.items()} == {
        "small": (64, 64),
        "large": (256, 256),
    }
    assert Image.open(BytesIO(client.get(avatar["large"]["url"]).data)).size == (256, 256)
    assert client.get(PROFILE, headers=abebe).json == reply.json
    assert client.get(ME, headers=abebe).json["profile"] == reply.json
    assert files() == keys(reply.json)


def test_the_address_of_a_picture_tells_nothing_of_its_person(send, abebe_id: UUID):
    profile = send(picture()).json
    assert all(str(abebe_id) not in key and abebe_id.hex not in key for key in keys(profile))


def test_texts_alone_leave_the_picture(client: FlaskClient, send, abebe, files):
    before = send(picture()).json
    assert send(bio="Runs").json == before | {"bio": "Runs"}
    assert (
        client.patch(PROFILE, json={"phone": "0911 234567"}, headers=abebe).json["avatar"] == before["avatar"]
    )
    assert client.patch(PROFILE, json={}, headers=abebe).json["avatar"] == before["avatar"]
    assert client.patch(ME, json={"profile": {"bio": ""}}, headers=abebe).json["profile"]["avatar"]
    assert files() == keys(before)


def test_a_new_picture_takes_the_place_of_the_old_one_and_its_files(send, files):
    first, second = send(picture()).json, send(picture("blue")).json
    assert second["avatar"] != first["avatar"]
    assert files() == keys(second)


def test_a_picture_is_removed_by_null_or_by_its_address(client: FlaskClient, send, abebe, files):
    for remove in (
        lambda: client.patch(PROFILE, json={"avatar": None, "bio": "x"}, headers=abebe),
        lambda: client.delete(AVATAR, headers=abebe),
    ):
        send(picture())
        assert len(files()) == 2
        assert remove().status_code in (200, 204)
        assert client.get(PROFILE, headers=abebe).json["avatar"] is None and files() == []
        assert remove().status_code in (200, 204)


def test_of_many_pictures_at_once_one_stays_with_its_files_alone(client, send, abebe, files):
    colours = ["red", "green", "blue", "white", "black"]
    replies = in_threads([lambda c=colour: send(picture(c)) for colour in colours])
    assert [reply.status_code for reply in replies] == [200] * 5
    assert files() == keys(client.get(PROFILE, headers=abebe).json)


def test_sending_and_removing_at_once_leaves_no_file_too_many(app: Flask, client, send, abebe, files):
    for _ in range(3):
        in_threads(
            [
                lambda: send(picture()),
                lambda: app.test_client().delete(AVATAR, headers=abebe),
                lambda: send(picture("blue")),
                lambda: app.test_client().patch(PROFILE, json={"avatar": None}, headers=abebe),
            ]
        )
        profile = client.get(PROFILE, headers=abebe).json
        assert files() == (keys(profile) if profile["avatar"] else [])


@pytest.mark.parametrize("data", [b"", b"x", b"<svg onload='alert(1)'/>", picture()[:500]])
def test_what_is_no_picture_is_refused_and_nothing_changed(client, send, abebe, files, data: bytes):
    before = send(picture(), bio="Runs").json
    reply = send(data, bio="Jumps")
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "avatar"), reply.text
    assert client.get(PROFILE, headers=abebe).json == before and files() == keys(before)


@pytest.mark.parametrize("value", ["x", "", {}, [], 0, False, {"small": {"url": "http://evil.example/"}}])
def test_json_takes_a_picture_away_and_never_gives_one(client: FlaskClient, abebe, value: Any):
    reply = client.patch(PROFILE, json={"avatar": value}, headers=abebe)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "avatar")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"avatar": "text"}, "avatar"),
        ({"phone": "call me"}, "phone"),
        ({"bio": "x" * 2001}, "bio"),
        ({"bio": "a\0"}, "bio"),
        ({"email": "a@b.example"}, "email"),
        ({"user_id": "x"}, "user_id"),
    ],
)
def test_bad_fields_of_a_form_are_named(send, fields: dict[str, str], path: str):
    reply = send(**fields)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, path)


class TestTheLimitOfBytes:
    @pytest.fixture
    def nexus_config(self):
        return {"accounts": {"max_avatar_bytes": 70_000}, "kernel": {"max_body_bytes": 2048}}

    def test_larger_pictures_are_413_and_smaller_ones_need_not_fit_into_other_bodies(
        self, client, send, abebe
    ):
        assert send(picture(size=(1500, 1500))).status_code == 200
        assert send(b"x" * 70_000).status_code == 413
        assert client.patch(PROFILE, json={"bio": "x" * 3000}, headers=abebe).status_code == 413


def test_closed_accounts_and_strangers_store_nothing(app: Flask, client, send, change, abebe_id: UUID):
    change(abebe_id, is_active=False)
    reply = send(picture())
    assert (reply.status_code, reply.json["code"]) == (401, "accounts.closed")
    form = {"avatar": (BytesIO(picture()), "me.jpg")}
    assert client.patch(PROFILE, data=form, content_type="multipart/form-data").status_code == 401
    assert client.delete(AVATAR).status_code == 401
    assert list(app.extensions["nexus"].media.list()) == []


def test_a_picture_of_a_closed_account_can_be_removed(app: Flask, send, change, abebe_id: UUID, files):
    send(picture())
    change(abebe_id, is_active=False)
    with app.app_context(), transaction() as session:
        remove_avatar(session, abebe_id)
        remove_avatar(session, abebe_id)
    assert files() == []


def test_a_picture_costs_reads_no_further_query(app: Flask, client: FlaskClient, send, abebe):
    send(picture())
    for url in (ME, PROFILE):
        with count_queries(app) as queries:
            assert client.get(url, headers=abebe).json
        assert len(queries) == 1, str(queries)


def test_a_crash_before_the_commit_keeps_the_old_picture(app, client, send, abebe, monkeypatch):
    before = send(picture()).json
    monkeypatch.setattr("nexus_accounts.services.avatars._replace", lambda *args: 1 / 0)
    assert send(picture("blue"), bio="x").status_code == 500
    monkeypatch.undo()
    assert client.get(PROFILE, headers=abebe).json == before
    with app.app_context():
        sweep.function()
    assert client.get(before["avatar"]["small"]["url"]).status_code == 200


def test_the_profile_is_documented_as_json_and_as_a_form(app: Flask):
    document = app.extensions["nexus"].api.document()
    content = document["paths"][PROFILE]["patch"]["requestBody"]["content"]
    assert {kind: body["schema"]["$ref"].rpartition("/")[2] for kind, body in content.items()} == {
        "multipart/form-data": "AccountsProfileForm",
        "application/json": "AccountsProfileChange",
    }
    schemas = document["components"]["schemas"]
    assert schemas["AccountsProfileForm"]["properties"]["avatar"] == {"type": "string", "format": "binary"}
    assert schemas["AccountsProfile"]["properties"]["avatar"]["anyOf"][0] == {
        "$ref": "#/components/schemas/AccountsAvatar"
    }


def test_going_back_before_pictures_takes_the_files_along(app: Flask, send, files):
    send(picture())
    assert files()
    migrations.downgrade(app, "accounts", "accounts_0002")
    with app.app_context():
        sweep.function()
    assert files() == []
    migrations.upgrade(app)
    assert migrations.check(app) == []
