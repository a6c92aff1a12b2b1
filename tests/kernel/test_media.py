"""Uploaded pictures from the first byte to the last: stored, adopted, served, given up, swept."""

import os
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text

from nexus_kernel import Invalid, Unavailable, media, reading, transaction
from nexus_kernel.media.orphans import announce, sweep
from nexus_kernel.testing import count_queries, drain, in_threads

SIZES = (media.Size("small", 20), media.Size("large", 60))
KEY = "box/ab/abcdef-small.webp"


@pytest.fixture(scope="session")
def nexus_plugins():
    return []


@pytest.fixture
def picture() -> bytes:
    body = BytesIO()
    Image.new("RGB", (100, 50), "red").save(body, "PNG")
    return body.getvalue()


@pytest.fixture
def files(app: Flask):
    """The keys in the store."""
    return lambda: sorted(app.extensions["nexus"].media.list())


def orphans(app: Flask) -> list[str]:
    with app.app_context(), reading() as session:
        return list(session.scalars(text("SELECT key FROM nexus_media_orphan ORDER BY key")))


def later(app: Flask) -> None:
    """Let the hour pass that an upload may take."""
    with app.app_context(), transaction() as session:
        session.execute(text("UPDATE nexus_media_orphan SET due_at = due_at - interval '61 minutes'"))


def store(app: Flask, picture: bytes) -> media.Sizes:
    with app.app_context():
        return media.store_picture("box", picture, SIZES, field="image")


def kept(app: Flask, picture: bytes) -> media.Sizes:
    sizes = store(app, picture)
    with app.app_context(), transaction() as session:
        media.adopt(session, sizes)
    return sizes


def swept(app: Flask) -> None:
    with app.app_context():
        sweep.function()


def keys(sizes: media.Sizes) -> list[str]:
    return sorted({size["key"] for size in sizes.values()})


def test_an_adopted_picture_stays(app: Flask, picture: bytes, files):
    sizes = kept(app, picture)
    assert {name: (size["width"], size["height"]) for name, size in sizes.items()} == {
        "small": (20, 10),
        "large": (60, 30),
    }
    later(app)
    swept(app)
    assert files() == keys(sizes) and len(files()) == 2


def test_sizes_that_come_out_alike_share_a_file(app: Flask, files):
    body = BytesIO()
    Image.new("RGB", (8, 8)).save(body, "PNG")
    sizes = kept(app, body.getvalue())
    assert sizes["small"] == sizes["large"] and files() == keys(sizes)
    with app.app_context(), transaction() as session:
        media.abandon(session, sizes)
    drain(app)
    assert files() == []


def test_two_uploads_of_a_picture_have_files_of_their_own(app: Flask, picture: bytes, files):
    assert not set(keys(store(app, picture))) & set(keys(store(app, picture)))


def test_what_a_crash_before_the_commit_leaves_is_deleted_after_an_hour(app: Flask, picture: bytes, files):
    sizes = store(app, picture)
    swept(app)
    assert files() == keys(sizes)
    later(app)
    swept(app)
    assert files() == [] and orphans(app) == []


def test_what_a_crash_before_the_first_file_leaves_is_forgotten(app: Flask, files):
    with app.app_context(), reading() as session:
        announce(session, [KEY])
    later(app)
    swept(app)
    assert orphans(app) == []


def test_a_transaction_that_fails_gives_its_files_back(app: Flask, picture: bytes, files):
    sizes = store(app, picture)
    with pytest.raises(RuntimeError), app.app_context(), transaction() as session:
        media.adopt(session, sizes)
        raise RuntimeError
    later(app)
    swept(app)
    assert files() == []


def test_abandoned_files_go_after_the_commit_and_only_then(app: Flask, picture: bytes, files):
    sizes = kept(app, picture)
    with app.app_context(), transaction() as session:
        media.abandon(session, sizes)
        in_threads([lambda: swept(app)])
        assert files() == keys(sizes)
    drain(app)
    assert files() == [] and orphans(app) == []


def test_a_change_that_is_rolled_back_deletes_nothing(app: Flask, picture: bytes, files):
    sizes = kept(app, picture)
    with pytest.raises(RuntimeError), app.app_context(), transaction() as session:
        media.abandon(session, sizes)
        raise RuntimeError
    drain(app)
    later(app)
    swept(app)
    assert files() == keys(sizes)


def test_a_lost_message_is_made_up_for_by_the_next_sweep(app: Flask, picture: bytes, files):
    sizes = kept(app, picture)
    with app.app_context(), transaction() as session:
        media.abandon(session, sizes)
    app.extensions["nexus"].dispatcher.sent.clear()
    assert files() == keys(sizes)
    swept(app)
    assert files() == []


def test_abandoning_nothing_or_twice_is_fine(app: Flask, picture: bytes, files):
    sizes = kept(app, picture)
    with app.app_context(), transaction() as session:
        for given in (None, {}, sizes, sizes):
            media.abandon(session, given)
    drain(app)
    assert files() == []


def test_sweeps_beside_one_another_delete_everything_once(app: Flask, picture: bytes, files):
    for _ in range(4):
        store(app, picture)
    later(app)
    in_threads([lambda: swept(app)] * 4)
    assert files() == [] and orphans(app) == []


def test_a_sweep_that_died_half_way_is_completed(app: Flask, picture: bytes, files, monkeypatch):
    sizes = store(app, picture)
    later(app)
    store_of_app = app.extensions["nexus"].media
    delete = store_of_app.delete

    def dies(found):
        delete(found[:1])
        raise Unavailable("gone")

    monkeypatch.setattr(store_of_app, "delete", dies)
    with pytest.raises(Unavailable):
        swept(app)
    assert len(files()) == 1 and orphans(app) == keys(sizes)
    monkeypatch.undo()
    swept(app)
    assert files() == [] and orphans(app) == []


def test_an_upload_whose_files_are_being_deleted_is_not_adopted(app: Flask, picture: bytes, monkeypatch):
    sizes = store(app, picture)
    later(app)
    monkeypatch.setattr(app.extensions["nexus"].media, "delete", lambda found: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        swept(app)
    with pytest.raises(Unavailable, match="too long"), app.app_context(), transaction() as session:
        media.adopt(session, sizes)


def test_adopting_and_sweeping_at_once_never_leaves_a_row_without_its_file(app: Flask, picture: bytes, files):
    for _ in range(6):
        sizes = store(app, picture)
        later(app)

        def adopt(sizes: media.Sizes = sizes) -> bool:
            try:
                with app.app_context(), transaction() as session:
                    media.adopt(session, sizes)
            except Unavailable:
                return False
            return True

        adopted, _ = in_threads([adopt, lambda: swept(app)])
        assert (set(keys(sizes)) <= set(files())) is adopted


def test_nothing_slow_happens_inside_a_transaction(app: Flask, picture: bytes):
    with app.app_context(), transaction(), pytest.raises(RuntimeError, match="before the transaction"):
        media.store_picture("box", picture, SIZES, field="image")


def test_storing_takes_one_statement_and_adopting_one(app: Flask, picture: bytes):
    with app.app_context():
        with count_queries(app) as queries:
            sizes = media.store_picture("box", picture, SIZES, field="image")
        assert len(queries) == 1, str(queries)
        with count_queries(app) as queries, transaction() as session:
            media.adopt(session, sizes)
        assert len(queries) == 3, str(queries)


def test_a_refused_picture_leaves_nothing(app: Flask, files):
    with app.app_context(), pytest.raises(Invalid) as raised:
        media.store_picture("box", b"<svg/>", SIZES, field="image")
    assert raised.value.errors[0].path == "image" and files() == [] and orphans(app) == []


def test_a_store_out_of_reach_leaves_no_file_for_ever(app: Flask, picture: bytes, files, monkeypatch):
    store_of_app, put = app.extensions["nexus"].media, app.extensions["nexus"].media.put

    def fills_up(key: str, body: bytes) -> None:
        if files():
            raise Unavailable("The disk is full.")
        put(key, body)

    monkeypatch.setattr(store_of_app, "put", fills_up)
    with pytest.raises(Unavailable):
        store(app, picture)
    assert len(files()) == 1
    later(app)
    swept(app)
    assert files() == []


def test_a_picture_is_served_with_headers_that_keep_it(app: Flask, client: FlaskClient, picture: bytes):
    sizes = kept(app, picture)
    with app.test_request_context():
        urls = media.picture_urls(sizes)
    assert urls["small"] == {"url": f"/media/{sizes['small']['key']}", "width": 20, "height": 10}
    reply = client.get(urls["small"]["url"])
    assert (reply.status_code, reply.content_type) == (200, "image/webp")
    assert Image.open(BytesIO(reply.data)).size == (20, 10)
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    head = client.head(urls["small"]["url"])
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(reply.data))
    again = client.get(urls["small"]["url"], headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_written_through_the_address_of_a_file(client: FlaskClient, method: str):
    assert client.open(f"/media/{KEY}", method=method).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        KEY,
        "",
        "box",
        "box/ab",
        "../secret.webp",
        "box/../../secret.webp",
        "box/%2e%2e/%2e%2e/secret.webp",
        "%2e%2e%2fsecret.webp",
        "box%2f..%2f..%2fsecret.webp",
        "..%5csecret.webp",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "//etc/passwd",
        "box/a%00.webp",
        "box/secret.txt",
        "box/.hidden.webp",
        "box/link.webp",
        "out/secret.webp",
        "x" * 3000,
        "%ff.webp",
        "box/%F0%9F%8F%AE.webp",
    ],
)
def test_no_other_path_leads_to_a_file(app: Flask, client: FlaskClient, path: str):
    folder = app.extensions["nexus"].media.place.folder
    secrets = [folder.parent / "secret.webp", folder / "secret.webp", folder / "box" / "secret.txt"]
    os.makedirs(folder / "box", exist_ok=True)
    for secret in (*secrets, folder / "box" / ".hidden.webp"):
        secret.write_text("secret")
    (folder / "box" / "link.webp").symlink_to(secrets[0])
    (folder / "out").symlink_to(folder.parent)
    reply = client.get(f"/media/{path}", follow_redirects=True)
    assert reply.status_code == 404 and "secret" not in reply.text
    assert reply.content_type == "application/problem+json"


def test_a_deployment_may_name_another_place_for_the_files(start):
    app = start(kernel={"media_url": "https://cdn.example.com/shop/"})
    with app.app_context():
        urls = media.picture_urls({"small": {"key": KEY, "width": 1, "height": 1}})
    assert urls["small"]["url"] == f"https://cdn.example.com/shop/{KEY}"


class TestOnABucket:
    @pytest.fixture
    def nexus_config(self, s3_server: str, tmp_path):
        access = {"media_s3_access_key_id": "key", "media_s3_secret_access_key": "secret"}
        place = {"media_store": f"s3://shop/{tmp_path.name}", "media_s3_endpoint": s3_server}
        return {"kernel": {**access, **place}}

    def test_pictures_are_kept_served_and_swept_alike(self, app: Flask, client, picture: bytes, files):
        left, sizes = store(app, picture), kept(app, picture)
        assert files() == sorted(keys(left) + keys(sizes))
        later(app)
        swept(app)
        assert files() == keys(sizes)
        reply = client.get(f"/media/{sizes['small']['key']}")
        assert (reply.status_code, reply.content_type) == (200, "image/webp")
        with app.app_context(), transaction() as session:
            media.abandon(session, sizes)
        drain(app)
        assert files() == [] and client.get(f"/media/{sizes['small']['key']}").status_code == 404

    def test_a_bucket_out_of_reach_is_503(self, app: Flask, client, monkeypatch):
        from nexus_kernel.storage import MediaStore, S3Access

        gone = MediaStore("s3://shop/x", access=S3Access("http://127.0.0.1:9", "eu-north-1", "key", "secret"))
        monkeypatch.setattr(app.extensions["nexus"].media, "_store", gone._store)
        reply = client.get(f"/media/{KEY}")
        assert (reply.status_code, reply.json["code"]) == (503, "kernel.unavailable")
        assert reply.headers["Retry-After"]
