"""The catalog with nothing but the kernel: no accounts, no carts, no orders."""

import json
import subprocess
import sys

import pytest
from openapi_spec_validator import validate

from nexus_kernel.testing import auth_headers

PRODUCTS, CATEGORIES = "/api/catalog/products/", "/api/catalog/categories/"


@pytest.fixture(scope="session")
def nexus_plugins():
    return ["catalog"]


def test_products_are_sold_found_and_reviewed(app, client):
    staff, member = auth_headers(app, "staff"), auth_headers(app)
    garden = client.post(CATEGORIES, json={"name": "Garden"}, headers=staff).json
    body = {"title": "Lantern", "price": "250.00", "category_id": garden["id"]}
    lantern = client.post(PRODUCTS, json=body, headers=staff).headers["Location"]
    reviewed = client.post(f"{lantern}reviews/", json={"rating": 4}, headers=member)
    assert (reviewed.status_code, reviewed.json["author_name"]) == (201, None)
    (found,) = client.get(f"{PRODUCTS}?q=lantern&category=garden").json["results"]
    assert (found["rating_average"], found["rating_count"]) == (4.0, 1)
    hidden = client.post(
        f"/api/catalog/reviews/{reviewed.json['id']}/hide/", json={"reason": "Spam."}, headers=staff
    )
    assert hidden.status_code == 200 and client.get(lantern).json["rating_count"] == 0


def test_its_document_is_valid_and_speaks_of_the_catalog_alone(client):
    document = json.loads(client.get("/api/schema/").data)
    validate(document)
    assert document["paths"] and all(path.startswith("/api/catalog/") for path in document["paths"])


@pytest.mark.parametrize(
    ("plugin", "missing"), [("catalog", "nexus_accounts"), ("accounts", "nexus_catalog")]
)
def test_a_plugin_starts_where_the_other_cannot_even_be_imported(plugin, missing):
    start = (
        f"import sys; sys.modules['{missing}'] = None; from nexus_kernel import create_app; "
        f"create_app({{'kernel': {{'environment': 'test'}}}}, plugins=['{plugin}'])"
    )
    result = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
