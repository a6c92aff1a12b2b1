"""Images of imported products: from addresses and files, each once; a bad one is never in the way."""

import io
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner
from nexus_catalog.commands import catalog
from nexus_catalog.importing import images
from nexus_catalog.models import ImageSource, Product
from PIL import Image
from sqlalchemy import select

from nexus_kernel import reading, transaction
from nexus_kernel.testing import drain, in_threads

COLOURS = (
    "red",
    "green",
    "blue",
    "white",
    "black",
    "cyan",
    "orange",
    "purple",
    "brown",
    "pink",
    "gold",
    "gray",
)
ROW = {"title": "Lantern", "description": "", "category": "", "price": "5", "stock": 1}


@pytest.fixture
def nexus_config():
    """The pictures of these tests stand on this machine."""
    return {"catalog": {"import_allow_private_addresses": True, "import_image_bytes": 2000, "max_images": 3}}


def drawn(name: str) -> bytes:
    """A picture of the colour that the name begins with; a name without one is no picture."""
    colour = next((colour for colour in COLOURS if name.startswith(colour)), None)
    if colour is None:
        return b"no picture"
    body = io.BytesIO()
    Image.new("RGB", (40, 20), colour).save(body, "PNG")
    return body.getvalue()


class Pictures(BaseHTTPRequestHandler):
    """Serves its own path as a picture; notes how many it serves at a time."""

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asked.append(self.path)
            self.server.busy += 1
            self.server.most = max(self.server.most, self.server.busy)
        self.server.meeting.wait(0.2)
        self.send_response(404 if self.path == "/missing.png" else 200)
        self.end_headers()
        self.wfile.write(b"x" * 3000 if self.path == "/large.png" else drawn(self.path[1:]))
        with self.server.lock:
            self.server.busy -= 1

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def pictures():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pictures)
    server.asked, server.lock, server.busy, server.most = [], threading.Lock(), 0, 0
    server.meeting = threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def kept(client):
    """The words of the pictures of a product, in their order."""

    def kept(slug: str = "lantern") -> list[str]:
        return [image["alt"] for image in client.get(f"/api/catalog/products/{slug}/").json["images"]]

    return kept


@pytest.fixture
def load(app, tmp_path):
    """Imports these rows; the counts, and what was said on standard error."""

    def load(*rows: dict, options: tuple[str, ...] = ()):
        file = tmp_path / "shop" / "products.jsonl"
        file.parent.mkdir(exist_ok=True)
        lines = [json.dumps(ROW | {"sku": f"L-{n}"} | row) for n, row in enumerate(rows)]
        file.write_text("\n".join(lines))
        with app.app_context():
            result = CliRunner().invoke(catalog, ["import", str(file), *options], catch_exceptions=False)
        return json.loads(result.stdout)["catalog"], " ".join(result.stderr.split())

    return load


def sources(app) -> list[str]:
    with app.app_context(), reading() as session:
        return list(session.scalars(select(ImageSource.source).order_by(ImageSource.id)))


def test_images_come_from_addresses_and_from_files_beside_the_import_in_their_order(
    app, client, load, pictures, kept, tmp_path
):
    (tmp_path / "shop" / "pictures").mkdir(parents=True)
    (tmp_path / "shop" / "pictures" / "two.png").write_bytes(drawn("green"))
    row = {"images": [f"{pictures.url}/red.png", "pictures/two.png"], "image_alt": ["One", "ሁለት"]}
    counts, _ = load(row)
    assert (counts["created"], counts["images"], counts["images_refused"]) == (1, 2, 0)
    assert kept() == ["One", "ሁለት"] and sources(app) == row["images"]
    (listed,) = client.get("/api/catalog/products/").json["results"]
    assert listed["image"]["alt"] == "One"


def test_a_worker_adds_the_images_of_what_was_sent_in(app, client, staff, pictures, kept):
    line = json.dumps(ROW | {"sku": "L-0", "images": [f"{pictures.url}/red.png", "beside.png"]})
    sent = client.post(
        "/api/catalog/imports/", data=line, headers=staff, content_type="application/x-ndjson"
    ).json
    drain(app)
    counts = client.get(f"/api/catalog/imports/{sent['id']}/", headers=staff).json["counts"]
    assert (counts["created"], counts["images"], counts["images_refused"]) == (1, 1, 1)
    assert len(kept()) == 1


def test_the_same_file_again_fetches_nothing(load, pictures, kept):
    row = {"images": f"{pictures.url}/red.png | {pictures.url}/blue.png", "image_alt": "Both"}
    load(row)
    counts, _ = load(row)
    assert counts["unchanged"] == 1 and "images" not in counts
    assert len(pictures.asked) == 2 and kept() == ["Both", "Both"]


def test_a_crash_between_a_picture_and_its_source_leaves_one_picture(app, load, pictures, kept, monkeypatch):
    row = {"images": [f"{pictures.url}/red.png"]}

    def crash(job, data, actor):
        images.add_image(str(job.product_id), actor, data, job.image.alt)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(images, "_stored_once", crash)
        with pytest.raises(json.JSONDecodeError):
            load(row)
    assert len(kept()) == 1 and sources(app) == []
    counts, _ = load(row)
    assert counts["images"] == 1 and len(kept()) == 1 and sources(app) == row["images"]


def test_a_product_that_somebody_holds_for_too_long_is_left_for_the_next_run(app, load, pictures, kept):
    load({})
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with app.app_context(), transaction() as session:
            session.execute(select(Product.id).with_for_update())
            held.set()
            done.wait(20)

    def bring():
        held.wait(20)
        answer = load({"images": [f"{pictures.url}/red.png"]})
        done.set()
        return answer

    _, (counts, words) = in_threads([hold, bring])
    assert (counts["unchanged"], counts["images_refused"]) == (1, 1) and "somebody else is changing" in words
    assert load({"images": [f"{pictures.url}/red.png"]})[0]["images"] == 1 and len(kept()) == 1


def test_a_picture_that_staff_deleted_does_not_come_back(client, staff, load, pictures, kept):
    row = {"images": [f"{pictures.url}/red.png"]}
    load(row)
    product = client.get("/api/catalog/products/lantern/").json
    url = f"/api/catalog/products/{product['id']}/images/{product['images'][0]['id']}/"
    assert client.delete(url, headers=staff).status_code == 204
    load(row)
    assert kept() == [] and len(pictures.asked) == 1


def test_a_bad_image_is_refused_and_its_product_stays(app, load, pictures, kept):
    names = ("missing.png", "large.png", "broken.png", "red.png")
    counts, words = load({"images": [f"{pictures.url}/{name}" for name in names]})
    assert (counts["created"], counts["refused"]) == (1, 0)
    assert (counts["images"], counts["images_refused"]) == (1, 3)
    for reason in ("answers with status 404", "larger than 2000 bytes", "broken.png: "):
        assert reason in words
    assert sources(app) == [f"{pictures.url}/red.png"] and len(kept()) == 1


def test_more_images_than_a_product_may_have_are_refused(load, pictures, kept):
    counts, words = load({"images": [f"{pictures.url}/{colour}.png" for colour in COLOURS[:5]]})
    assert (counts["created"], counts["images"], counts["images_refused"]) == (1, 3, 2)
    assert "A product has at most 3 images" in words and len(kept()) == 3


def test_retired_products_get_their_images_too(client, staff, load, pictures, kept):
    counts, _ = load({"images": [f"{pictures.url}/red.png"], "active": "false"})
    assert (counts["created"], counts["images"], counts["images_refused"]) == (1, 1, 0)
    (product,) = client.get("/api/catalog/products/managed/?is_active=0", headers=staff).json["results"]
    client.post(f"/api/catalog/products/{product['id']}/restore/", headers=staff)
    assert len(kept()) == 1


def test_a_refused_image_is_tried_again_by_the_next_run(load, pictures):
    load({"images": [f"{pictures.url}/missing.png"]})
    load({"images": [f"{pictures.url}/missing.png"]})
    assert len(pictures.asked) == 2


def test_private_addresses_are_refused_unless_a_setting_allows_them(load, pictures, monkeypatch):
    from nexus_catalog.config import CatalogConfig

    monkeypatch.setattr(images, "settings", lambda section: CatalogConfig())
    counts, words = load({"images": [f"{pictures.url}/red.png"]})
    assert counts["images_refused"] == 1 and "not on the public Internet" in words and not pictures.asked


@pytest.mark.parametrize(
    "source",
    ["../secret.png", "/etc/hostname", "link.png", "folder/up/secret.png", ".", "pipe", "no.png", "~/x"],
)
def test_no_file_outside_of_the_folder_is_read(app, load, tmp_path, source):
    shop = tmp_path / "shop"
    shop.mkdir()
    (tmp_path / "secret.png").write_bytes(drawn("red"))
    (shop / "link.png").symlink_to(tmp_path / "secret.png")
    (shop / "folder").mkdir()
    (shop / "folder" / "up").symlink_to(tmp_path)
    os.mkfifo(shop / "pipe")
    for options in ((), ("--dry-run",)):
        counts, words = load({"images": [source]}, options=options)
        assert counts["images_refused"] == 1 and sources(app) == []
        assert "it must be a file in" in words or "no such file beside" in words


def test_a_dry_run_asks_no_address(load, pictures):
    counts, _ = load({"images": [f"{pictures.url}/red.png"]}, options=("--dry-run",))
    assert counts["created"] == 1 and pictures.asked == []


def test_several_are_fetched_at_a_time_and_never_more_than_a_few(app, load, pictures):
    load(*({"images": [f"{pictures.url}/{colour}.png"]} for colour in COLOURS))
    assert len(sources(app)) == 12 and 2 <= pictures.most <= images.AT_ONCE


def test_two_imports_at_once_store_an_image_once(app, load, pictures, kept):
    from nexus_catalog.importing.images import Images
    from nexus_catalog.importing.products import ImportProduct
    from nexus_catalog.importing.records import Record
    from nexus_catalog.importing.rows import checked

    load({})
    with app.app_context(), reading() as session:
        product_id = session.scalar(select(Product.id))
    record = Record(1, ROW | {"sku": "L-0", "images": [f"{pictures.url}/red.png"]})
    product = ImportProduct((checked(record, "ETB"),))

    def add() -> int:
        with app.app_context(), Images(None) as adding:
            assert list(adding.add([(product.head, product_id)])) == []
            return adding.added

    assert sum(in_threads([add, add, add])) == 1 and len(kept()) == 1
