"""Pictures of products: order, number, doubles and files, also when several people work at once."""

from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from nexus_catalog.services.images import add_image
from nexus_catalog.services.ownership import OPERATOR
from PIL import Image

from nexus_kernel.testing import count_queries, drain, in_threads

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


def test_a_picture_is_shown_in_three_sizes(client: FlaskClient, upload, product: str, files, picture):
    reply = upload(picture(), alt="A red lantern")
    assert reply.status_code == 201
    body = reply.json
    assert (body["alt"], body["position"]) == ("A red lantern", 0)
    dimensions = {name: (s["width"], s["height"]) for name, s in body["sizes"].items()}
    assert dimensions == {"small": (160, 80), "medium": (480, 240), "large": (1200, 600)}
    for size in body["sizes"].values():
        assert size["url"].startswith("/media/catalog/products/")
        shown = client.get(size["url"])
        assert Image.open(BytesIO(shown.data)).size == (size["width"], size["height"])
    assert reply.headers["Location"] == f"{product}{body['id']}/"
    assert client.get(reply.headers["Location"]).json == body
    assert files() == sorted(keys(body))


def test_lists_show_the_first_picture_and_details_all(client: FlaskClient, upload, product: str):
    first, second = upload("red", alt="Front").json, upload("green").json
    (item,) = client.get(PRODUCTS).json["results"]
    assert item["image"] == {"alt": "Front", "sizes": first["sizes"]}
    detail = client.get(product.removesuffix("images/")).json
    assert detail["image"] == item["image"] and detail["images"] == [first, second]


def test_a_product_without_pictures_shows_none(client: FlaskClient, product: str):
    detail = client.get(product.removesuffix("images/")).json
    assert (detail["image"], detail["images"]) == (None, [])
    assert client.get(product).json["results"] == []


def test_pictures_cost_reads_no_further_query(app: Flask, client: FlaskClient, upload, product: str, sell):
    for colour in COLOURS[:4]:
        upload(colour)
    for number in range(4):
        sell(f"Other {number}")
    for address, most in ((PRODUCTS, 1), (product.removesuffix("images/"), 1), (product, 2)):
        with count_queries(app) as queries:
            assert client.get(address).status_code == 200
        assert len(queries) == most, str(queries)


def test_a_picture_is_found_by_the_slug_of_its_product(client: FlaskClient, upload, product: str):
    image = upload().json
    assert client.get(f"{PRODUCTS}lantern/images/").json["results"] == [image]


def test_the_list_has_pages(client: FlaskClient, upload, product: str):
    made = [upload(colour).json for colour in COLOURS[:3]]
    page = client.get(f"{product}?page_size=2").json
    assert (page["count"], page["results"]) == (3, made[:2])
    assert client.get(page["next"]).json["results"] == made[2:]


def test_the_same_picture_twice_is_one(upload, listed, files):
    first = upload(alt="First")
    again = upload(alt="Second")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json == first.json and listed() == [first.json]
    assert files() == sorted(keys(first.json))


def test_the_same_picture_sent_many_times_at_once_is_one(app: Flask, upload, listed, files):
    replies = in_threads([upload] * 6)
    assert sorted(reply.status_code for reply in replies) == [200] * 5 + [201]
    assert len({reply.json["id"] for reply in replies}) == 1 == len(listed())
    drain(app)
    assert files() == sorted(keys(listed()[0]))


def test_two_products_may_have_the_same_picture(app: Flask, client, staff, sell, files, picture):
    addresses = [f"{PRODUCTS}{sell(title).product_id}/images/" for title in ("A", "B")]
    for address in addresses:
        form = {"image": (BytesIO(picture()), "a.jpg")}
        assert client.post(address, data=form, headers=staff).status_code == 201
    (image,) = client.get(addresses[0]).json["results"]
    client.delete(f"{addresses[0]}{image['id']}/", headers=staff)
    drain(app)
    (other,) = client.get(addresses[1]).json["results"]
    assert files() == sorted(keys(other))


class TestTheLimitOfPictures:
    @pytest.fixture
    def nexus_config(self):
        return {"catalog": {"max_images": 3}}

    def test_one_more_is_refused_before_it_is_stored(self, upload, listed, files):
        for colour in COLOURS[:3]:
            upload(colour)
        stored = files()
        reply = upload(COLOURS[3])
        refused(reply, 409, "catalog.too_many_images")
        assert reply.json["maximum"] == 3 and len(listed()) == 3 and files() == stored
        assert upload(COLOURS[0]).status_code == 200

    def test_it_holds_when_many_come_at_once(self, app: Flask, upload, listed, files, later):
        replies = in_threads([lambda c=colour: upload(c) for colour in COLOURS[:8]])
        assert sorted(reply.status_code for reply in replies) == [201] * 3 + [409] * 5
        assert [image["position"] for image in listed()] == [0, 1, 2]
        later()
        assert files() == sorted(key for image in listed() for key in keys(image))


class TestTheLimitOfBytes:
    @pytest.fixture
    def nexus_config(self):
        return {"catalog": {"max_image_bytes": 70_000}, "kernel": {"max_body_bytes": 1024}}

    def test_larger_pictures_are_413_and_smaller_ones_need_not_fit_into_other_bodies(self, upload, picture):
        assert upload(picture(size=(2000, 1500))).status_code == 201
        refused(upload(b"x" * 70_000), 413, "kernel.content_too_large")


class TestTheLimitOfPixels:
    @pytest.fixture
    def nexus_config(self):
        return {"kernel": {"max_image_pixels": 1_000_000}}

    def test_more_pixels_are_422(self, upload, picture):
        refused(upload(picture(size=(1001, 1000))), 422, "kernel.invalid", "image")


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<html></html>",
        b"",
        b"GIF89a/*\0*/=1;alert(1)",
        b"\0" * 50,
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_stored(upload, listed, files, data: bytes):
    refused(upload(data), 422, "kernel.invalid", "image")
    assert listed() == [] and files() == []


def test_half_a_picture_is_refused(upload, listed, files, picture):
    refused(upload(picture()[:1000]), 422, "kernel.invalid", "image")
    assert listed() == [] and files() == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"alt": "x" * 301}, "alt"),
        ({"alt": "a\0"}, "alt"),
        ({"position": "0"}, "position"),
        ({"product_id": "x"}, "product_id"),
    ],
)
def test_bad_fields_are_named(upload, listed, fields: dict[str, str], path: str):
    refused(upload(**fields), 422, "kernel.invalid", path)
    assert listed() == []


def test_a_body_that_is_no_form_is_415(client: FlaskClient, staff, product: str, picture):
    assert client.post(product, json={"image": "x"}, headers=staff).status_code == 415
    assert client.post(product, data=picture(), headers=staff).status_code == 415


def test_no_lock_is_held_while_a_picture_is_worked_on(
    app: Flask, client, staff, upload, product, monkeypatch
):
    store = app.extensions["nexus"].media
    put, prices = store.put, []

    def put_while_somebody_changes_the_product(key: str, data: bytes) -> None:
        change = {"price": "19.00"}
        address = product.removesuffix("images/")
        prices.extend(
            in_threads([lambda: app.test_client().patch(address, json=change, headers=staff).status_code])
        )
        put(key, data)

    monkeypatch.setattr(store, "put", put_while_somebody_changes_the_product)
    assert upload().status_code == 201
    assert prices == [200] * len(prices) and prices


def test_a_crash_before_the_commit_leaves_neither_row_nor_file(
    app, upload, listed, files, monkeypatch, later
):
    monkeypatch.setattr("nexus_catalog.services.images.products_changed", lambda ids: 1 / 0)
    assert upload().status_code == 500
    monkeypatch.undo()
    assert listed() == [] and files()
    later()
    assert files() == []
    assert upload().status_code == 201


def test_importers_add_pictures_by_a_function(app: Flask, sell, files, picture):
    product_id: UUID = sell().product_id
    with app.app_context():
        first, is_new = add_image(str(product_id), OPERATOR, picture(), "From a file")
        again, is_new_again = add_image(str(product_id), OPERATOR, picture())
    assert (is_new, is_new_again) == (True, False) and first == again
    assert (first["alt"], len(files())) == ("From a file", 3)


def test_a_form_of_a_picture_is_documented(app: Flask):
    document = app.extensions["nexus"].api.document()
    post = document["paths"]["/api/catalog/products/{product}/images/"]["post"]
    reference = {"$ref": "#/components/schemas/CatalogProductImageCreate"}
    assert post["requestBody"]["content"] == {"multipart/form-data": {"schema": reference}}
    assert {"200", "201", "422"} <= post["responses"].keys()
