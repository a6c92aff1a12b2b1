"""Order, words and end of pictures, and who may change them; also when several people do at once."""

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from nexus_kernel import migrations, new_id, reading
from nexus_kernel.media.orphans import sweep
from nexus_kernel.testing import auth_headers, drain, in_threads

PRODUCTS = "/api/catalog/products/"
COLOURS = ["red", "green", "blue", "white", "black", "yellow", "cyan", "magenta", "orange", "purple", "brown"]


def ids(images: list[dict[str, Any]]) -> list[str]:
    return [image["id"] for image in images]


def keys(image: dict[str, Any]) -> set[str]:
    return {size["url"].removeprefix("/media/") for size in image["sizes"].values()}


def refused(reply: Any, status: int, code: str, path: str | None = None) -> None:
    assert (reply.status_code, reply.json["code"]) == (status, code), reply.text
    if path:
        assert reply.json["errors"][0]["path"] == path, reply.text


def test_pictures_are_put_into_an_order(client: FlaskClient, staff, upload, product: str, listed):
    made = [upload(colour).json["id"] for colour in COLOURS[:3]]
    wanted = [made[2], made[0], made[1]]
    reply = client.put(f"{product}order/", json={"ids": wanted}, headers=staff)
    assert (reply.status_code, reply.json) == (200, {"ids": wanted})
    assert ids(listed()) == wanted and [image["position"] for image in listed()] == [0, 1, 2]
    (item,) = client.get(PRODUCTS).json["results"]
    assert item["image"]["sizes"] == listed()[0]["sizes"]


def test_an_order_names_every_picture_once(client: FlaskClient, staff, upload, product: str, listed):
    made = [upload(colour).json["id"] for colour in COLOURS[:3]]
    for wanted in (made[:2], [*made, str(new_id())], [made[0], made[1], str(new_id())], []):
        reply = client.put(f"{product}order/", json={"ids": wanted}, headers=staff)
        refused(reply, 409, "catalog.images_changed")
        assert reply.json["ids"] == made
    for bad in ([made[0], made[0], made[1]], ["x"], None, "x", [None], made * 40):
        reply = client.put(f"{product}order/", json={"ids": bad}, headers=staff)
        assert (reply.status_code, reply.json["code"]) == (422, "kernel.invalid"), bad
        assert reply.json["errors"][0]["path"].startswith("ids")
    assert ids(listed()) == made


def test_orders_given_at_once_end_in_one_of_them(app: Flask, staff, upload, product: str, listed):
    made = [upload(colour).json["id"] for colour in COLOURS[:4]]
    wanted = [made[::-1], made[1:] + made[:1], made[2:] + made[:2], made]
    replies = in_threads(
        [
            lambda w=order: app.test_client().put(f"{product}order/", json={"ids": w}, headers=staff)
            for order in wanted
        ]
    )
    assert [reply.status_code for reply in replies] == [200] * 4
    assert ids(listed()) in wanted and [image["position"] for image in listed()] == [0, 1, 2, 3]


def test_uploads_deletions_and_orders_at_once_leave_a_sound_list(
    app: Flask, client: FlaskClient, staff, upload, product: str, listed
):
    made = [upload(colour).json["id"] for colour in COLOURS[:4]]

    def call(method: str, tail: str, **options: Any) -> Any:
        return app.test_client().open(f"{product}{tail}", method=method, headers=staff, **options)

    replies = in_threads(
        [
            lambda: call("DELETE", f"{made[0]}/"),
            lambda: call("DELETE", f"{made[0]}/"),
            lambda: call("PUT", "order/", json={"ids": made[::-1]}),
            lambda: call("PATCH", f"{made[3]}/", json={"position": 0}),
            lambda: upload(COLOURS[5]),
            lambda: upload(COLOURS[6]),
        ]
    )
    statuses = [reply.status_code for reply in replies]
    assert sorted(statuses[:2]) == [204, 404]
    assert statuses[2] in (200, 409) and statuses[3:] == [200, 201, 201]
    images = listed()
    assert [image["position"] for image in images] == list(range(5)) and made[0] not in ids(images)
    (item,) = client.get(PRODUCTS).json["results"]
    assert item["image"]["sizes"] == images[0]["sizes"]


def test_a_picture_is_described_and_moved(client: FlaskClient, staff, upload, product: str, listed):
    made = [upload(colour).json["id"] for colour in COLOURS[:3]]
    reply = client.patch(f"{product}{made[2]}/", json={"alt": "Back", "position": 0}, headers=staff)
    assert (reply.status_code, reply.json["alt"], reply.json["position"]) == (200, "Back", 0)
    assert ids(listed()) == [made[2], made[0], made[1]]
    (item,) = client.get(PRODUCTS).json["results"]
    assert item["image"]["alt"] == "Back"
    client.patch(f"{product}{made[2]}/", json={"position": 100}, headers=staff)
    assert ids(listed()) == [made[0], made[1], made[2]]
    before = listed()
    assert client.patch(f"{product}{made[1]}/", json={}, headers=staff).json == before[1]
    assert listed() == before


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"position": -1}, "position"),
        ({"position": 2**31}, "position"),
        ({"position": "1"}, "position"),
        ({"position": None}, "position"),
        ({"position": 1.5}, "position"),
        ({"alt": None}, "alt"),
        ({"alt": []}, "alt"),
        ({"alt": "x" * 301}, "alt"),
        ({"sizes": {}}, "sizes"),
        ({"id": "019aaaaa-0000-7000-8000-000000000000"}, "id"),
    ],
)
def test_a_bad_change_is_named(client, staff, upload, product, listed, change, path: str):
    image = upload().json
    refused(client.patch(f"{product}{image['id']}/", json=change, headers=staff), 422, "kernel.invalid", path)
    assert listed() == [image]


def test_a_deleted_picture_is_gone_with_its_files(app: Flask, client, staff, upload, product, listed, files):
    made = [upload(colour).json for colour in COLOURS[:3]]
    url = f"{product}{made[0]['id']}/"
    assert client.delete(url, headers=staff).status_code == 204
    assert listed() == [image | {"position": n} for n, image in enumerate(made[1:])]
    drain(app)
    assert files() == sorted(keys(made[1]) | keys(made[2]))
    assert client.get(made[0]["sizes"]["small"]["url"]).status_code == 404
    for reply in (client.get(url), client.delete(url, headers=staff)):
        refused(reply, 404, "catalog.image_not_found")
    assert upload(COLOURS[0]).status_code == 201


def test_the_last_picture_leaves_a_product_without_one(client, staff, upload, product: str):
    image = upload().json
    client.delete(f"{product}{image['id']}/", headers=staff)
    assert client.get(PRODUCTS).json["results"][0]["image"] is None


def test_a_picture_belongs_to_its_product(client: FlaskClient, staff, upload, sell):
    image = upload().json
    other = f"{PRODUCTS}{sell('Other').product_id}/images/{image['id']}/"
    for method, body in (("GET", None), ("PATCH", {"alt": "x"}), ("DELETE", None)):
        refused(client.open(other, method=method, json=body, headers=staff), 404, "catalog.image_not_found")


@pytest.mark.parametrize("key", ["019aaaaa-0000-7000-8000-000000000000", "nothing", "%00", "x" * 300])
def test_an_unknown_product_is_404(client: FlaskClient, staff, key: str, picture):
    address = f"{PRODUCTS}{key}/images/"
    form = {"image": (BytesIO(picture()), "a.jpg")}
    refused(client.get(address), 404, "catalog.product_not_found")
    refused(client.post(address, data=form, headers=staff), 404, "catalog.product_not_found")
    refused(client.put(f"{address}order/", json={"ids": []}, headers=staff), 404, "catalog.product_not_found")


def test_a_retired_product_shows_no_pictures(client: FlaskClient, staff, upload, product: str):
    image = upload().json
    client.delete(product.removesuffix("images/"), headers=staff)
    refused(client.get(product), 404, "catalog.product_not_found")
    assert client.get(f"{product}{image['id']}/").status_code == 404


@pytest.mark.parametrize("role", [None, "member", "seller"])
def test_only_who_may_write_products_changes_pictures(
    app: Flask, client, upload, product, listed, role, picture
):
    image = upload().json
    headers = auth_headers(app, role) if role else {}
    status = {None: 401, "member": 403, "seller": 404}[role]
    form = {"image": (BytesIO(picture("blue")), "a.jpg")}
    assert client.post(product, data=form, headers=headers).status_code == status
    for method, tail in (("PUT", "order/"), ("PATCH", f"{image['id']}/"), ("DELETE", f"{image['id']}/")):
        body = {"ids": [image["id"]]} if tail == "order/" else {}
        assert client.open(product + tail, method=method, json=body, headers=headers).status_code == status
    assert listed() == [image]


def test_changes_of_pictures_are_changes_of_the_product(app: Flask, client, staff, upload, product: str):
    detail = product.removesuffix("images/")

    def heard() -> int:
        with app.app_context(), reading() as session:
            question = "SELECT count(*) FROM nexus_outbox WHERE name = 'catalog.products_changed'"
            return session.execute(text(question)).scalar_one()

    image = upload().json
    for change in (
        lambda: upload("green"),
        lambda: client.patch(f"{product}{image['id']}/", json={"alt": "x"}, headers=staff),
        lambda: client.patch(f"{product}{image['id']}/", json={"position": 1}, headers=staff),
        lambda: client.delete(f"{product}{image['id']}/", headers=staff),
    ):
        before, known = client.get(detail), heard()
        change()
        after = client.get(detail)
        assert heard() == known + 1 and after.headers["ETag"] != before.headers["ETag"]
        assert after.json["updated_at"] > before.json["updated_at"]
    known = heard()
    upload("green")
    assert heard() == known


def test_taking_the_catalog_off_takes_its_files_along(app: Flask, upload, files):
    upload()
    migrations.downgrade(app, "catalog")
    assert files()
    with app.app_context():
        sweep.function()
    assert files() == []
    migrations.upgrade(app)
