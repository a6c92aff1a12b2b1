"""What is no review: refused with a 4xx that names the field, and nothing is stored."""

import pytest
from nexus_catalog.models import Review
from sqlalchemy import func, select

from nexus_kernel import reading
from nexus_kernel.testing import auth_headers

URL = "/api/catalog/products/lantern/reviews/"
NOBODY = "0192f0c4-7d3e-7a51-9c1e-000000000000"


@pytest.fixture
def author(app):
    """The header of somebody who writes."""
    return auth_headers(app)


def count(app) -> int:
    with app.app_context(), reading() as session:
        return session.scalar(select(func.count()).select_from(Review))


BAD = [
    ({"rating": 0}, "rating"),
    ({"rating": 6}, "rating"),
    ({"rating": -1}, "rating"),
    ({"rating": 2**31}, "rating"),
    ({"rating": 2**63}, "rating"),
    ({"rating": 4.5}, "rating"),
    ({"rating": True}, "rating"),
    ({"rating": "5"}, "rating"),
    ({"rating": None}, "rating"),
    ({"rating": [5]}, "rating"),
    ({"title": "x" * 201}, "title"),
    ({"title": "two\nlines"}, "title"),
    ({"title": None}, "title"),
    ({"body": "x" * 5001}, "body"),
    ({"body": "a\x00b"}, "body"),
    ({"body": ["a"]}, "body"),
    ({"state": "published"}, "state"),
    ({"is_verified_purchase": True}, "is_verified_purchase"),
    ({"author_id": NOBODY}, "author_id"),
    ({"author_name": "The Shop"}, "author_name"),
    ({"product_id": NOBODY}, "product_id"),
]


@pytest.mark.parametrize(("fault", "path"), BAD)
def test_bad_input_is_422_names_the_field_and_stores_nothing(client, sell, review, author, fault, path):
    sell()
    made = review(rating=3, headers=author).json
    url = f"{URL}{made['id']}/"
    for answer in (
        review(**{"rating": 5, **fault}),
        client.patch(url, json=fault, headers=author),
        client.put(url, json={"rating": 5, **fault}, headers=author),
    ):
        assert answer.status_code == 422, answer.json
        assert [error["path"] for error in answer.json["errors"]] == [path]
    assert client.get(URL).json["results"] == [made]


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"5", "application/json"),
        (b"{", "application/json"),
        (b'{"rating": NaN}', "application/json"),
        (b'{"rating": 5, "body": "\\ud800"}', "application/json"),
        (b"\xff", "application/json"),
        (b"rating=5", "application/x-www-form-urlencoded"),
        (b"", "application/json"),
    ],
)
def test_bodies_that_are_no_json_objects_are_4xx(app, client, sell, author, data, content_type):
    sell()
    answer = client.post(URL, data=data, content_type=content_type, headers=author)
    assert answer.status_code in (400, 415, 422), answer.json
    assert answer.content_type == "application/problem+json" and count(app) == 0


@pytest.mark.parametrize("id", ["1", "x", "-1", "%00", NOBODY])
def test_an_id_that_is_none_is_404(client, sell, author, id):
    sell()
    for method in (client.get, client.patch, client.put, client.delete):
        options = {} if method in (client.get, client.delete) else {"json": {"rating": 1}}
        answer = method(f"{URL}{id}/", headers=author, **options)
        assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
