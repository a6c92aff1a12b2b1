"""Files outside the database: one suite, on a folder and on an S3 server that is reached over HTTP."""

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from nexus_kernel import StartupError, Unavailable
from nexus_kernel.storage import MediaStore, S3Access, parse_address
from nexus_kernel.testing import in_threads

KEY = "box/ab/abcdef-small.webp"


def s3(address: str, prefix: str = "files", **access: str) -> MediaStore:
    keys = {"access_key_id": "key", "secret_access_key": "secret", "region": "eu-north-1"}
    return MediaStore(f"s3://shop/{prefix}", access=S3Access(address, **{**keys, **access}))


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    if request.param == "folder":
        return MediaStore(str(tmp_path / "files"))
    return s3(request.getfixturevalue("s3_server"), prefix=tmp_path.name.replace("[", "-").strip("]"))


def test_what_was_stored_is_read_back(store: MediaStore):
    body = os.urandom(300_000)
    store.put(KEY, body)
    assert store.get(KEY) == body


def test_what_was_never_stored_is_none(store: MediaStore):
    assert store.get(KEY) is None


def test_deleting_is_final_and_may_be_repeated(store: MediaStore):
    others = [f"box/ab/{number}-small.webp" for number in range(5)]
    for key in (KEY, *others):
        store.put(key, b"x")
    store.delete([KEY, *others[:2]])
    store.delete([KEY, *others[:3]])
    store.delete([])
    assert store.get(KEY) is None
    assert sorted(store.list()) == others[3:]


def test_keys_are_listed_below_a_folder_of_keys(store: MediaStore):
    for key in ("box/a/1.webp", "box/b/2.webp", "lid/a/3.webp"):
        store.put(key, b"x")
    assert sorted(store.list("box")) == ["box/a/1.webp", "box/b/2.webp"]
    assert sorted(store.list("box/b")) == ["box/b/2.webp"]
    assert list(store.list("nothing")) == []


def test_many_write_and_delete_at_once(store: MediaStore):
    def work(number: int) -> bytes | None:
        key = f"box/{number % 2}/{number}.webp"
        store.put(key, str(number).encode())
        body = store.get(key)
        store.delete([key])
        return body

    assert in_threads([lambda n=n: work(n) for n in range(12)]) == [str(n).encode() for n in range(12)]
    assert list(store.list()) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a.webp",
        "/etc/a.webp",
        "box/../a.webp",
        "box/./a.webp",
        "box//a.webp",
        "box/.a.webp",
        "box/a.webp/",
        "box/a.webp\n",
        "box/a\0.webp",
        "box/a.svg",
        "box/a.html",
        "box/a",
        "box/A.webp",
        "box\\a.webp",
        "box/%2e%2e/a.webp",
        "box/ä.webp",
        f"box/{'a' * 200}.webp",
    ],
)
def test_a_key_that_could_mean_something_else_is_refused(store: MediaStore, key: str):
    for call in (lambda: store.put(key, b"x"), lambda: store.get(key), lambda: store.delete([key])):
        with pytest.raises(ValueError, match="no key"):
            call()


def test_a_symbolic_link_is_not_followed(tmp_path: Path):
    store = MediaStore(str(tmp_path / "files"))
    store.put(KEY, b"x")
    (tmp_path / "secret.webp").write_text("secret")
    (tmp_path / "files" / "box" / "link.webp").symlink_to(tmp_path / "secret.webp")
    (tmp_path / "files" / "out").symlink_to(tmp_path)
    assert store.get("box/link.webp") is None
    assert store.get("out/secret.webp") is None
    assert store.get(KEY) == b"x"


def test_a_folder_that_is_itself_behind_a_link_works(tmp_path: Path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "files").symlink_to(tmp_path / "disk")
    store = MediaStore(str(tmp_path / "files"))
    store.put(KEY, b"x")
    assert store.get(KEY) == b"x"


def test_a_bucket_is_told_the_type_and_that_the_file_stays(s3_server: str):
    s3(s3_server, prefix="typed").put(KEY, b"x")
    credential = "Credential=key/20260101/eu-north-1/s3/aws4_request"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 {credential}"}
    reply = urllib.request.urlopen(urllib.request.Request(f"{s3_server}/shop/typed/{KEY}", headers=signed))
    assert reply.headers["Content-Type"] == "image/webp"
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_store_out_of_reach_says_come_back(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable):
        MediaStore(str(tmp_path / "file" / "files")).put(KEY, b"x")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = s3(f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(Unavailable) as raised:
            gone.put(KEY, b"x")
    assert raised.value.headers["Retry-After"]


def test_a_missing_bucket_says_come_back(s3_server: str):
    access = S3Access(s3_server, access_key_id="key", secret_access_key="secret")
    with pytest.raises(Unavailable):
        MediaStore("s3://elsewhere", access=access).put(KEY, b"x")


def test_urls_are_paths_of_this_host_unless_another_place_is_named(tmp_path: Path):
    assert MediaStore(str(tmp_path)).url(KEY) == f"/media/{KEY}"
    assert MediaStore(str(tmp_path), "https://cdn.example/x/").url(KEY) == f"https://cdn.example/x/{KEY}"


def test_addresses_are_folders_or_buckets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert parse_address("media").folder == tmp_path / "media"
    assert parse_address("/srv/media").folder == Path("/srv/media")
    assert parse_address("file:///srv/my%20media").folder == Path("/srv/my media")
    bucket = parse_address("s3://shop/a/b/")
    assert (bucket.bucket, bucket.prefix, bucket.folder) == ("shop", "a/b", None)


@pytest.mark.parametrize(
    "address", ["", "s3://", "s3:bucket", "ftp://host/x", "file://host/x", "gs://bucket"]
)
def test_another_address_stops_the_start(start, address: str):
    with pytest.raises(StartupError, match="NEXUS_KERNEL__MEDIA_STORE"):
        start(kernel={"media_store": address})


def test_a_public_address_that_is_none_stops_the_start(start):
    with pytest.raises(StartupError, match="NEXUS_KERNEL__MEDIA_URL"):
        start(kernel={"media_url": "javascript:alert(1)"})


def test_the_keys_of_the_bucket_are_secrets(start):
    from nexus_kernel.config import redacted

    app = start(kernel={"media_s3_access_key_id": "AKIA", "media_s3_secret_access_key": "hush"})
    config = app.extensions["nexus"].config
    assert "AKIA" not in repr(config) + str(redacted(config)) and "hush" not in repr(config)


def test_starting_loads_neither_the_store_nor_pillow():
    source = (
        "import sys; from nexus_kernel import create_app\n"
        "app = create_app({'kernel': {'environment': 'test'}}, plugins=['catalog', 'accounts'])\n"
        "assert app.test_client().get('/healthz').status_code == 200\n"
        "print([name for name in ('obstore', 'PIL', 'boto3') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
