"""The OpenAPI document of the shipped plugins: valid, lawful, and the same whatever the order of loading."""

import json
import random

import pytest
from flask import Flask
from openapi_spec_validator import validate

from nexus_kernel import create_app
from nexus_kernel.naming import owner_of

from ..conftest import SHIPPED

METHODS = {"get", "post", "put", "patch", "delete"}


def document(plugins) -> dict:
    return create_app({"kernel": {"environment": "test"}}, plugins=plugins).extensions["nexus"].api.document()


@pytest.fixture(scope="module")
def shipped(shop: Flask) -> dict:
    return json.loads(shop.test_client().get("/api/schema/").data)


def operations(document: dict):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def test_it_is_valid_openapi_3_1(shipped: dict):
    assert shipped["openapi"].startswith("3.1")
    validate(shipped)


def test_two_orders_of_loading_give_one_document():
    reference = json.dumps(document(SHIPPED))
    shuffled = list(SHIPPED)
    for seed in range(3):
        random.Random(seed).shuffle(shuffled)
        assert json.dumps(document(shuffled)) == reference


def test_every_operation_has_an_id_and_a_tag_of_its_plugin(shipped: dict):
    for path, method, operation in operations(shipped):
        (tag,) = operation["tags"]
        assert tag in SHIPPED, (path, method)
        assert owner_of(operation["operationId"], SHIPPED, "_") == tag


def test_operation_ids_are_unique(shipped: dict):
    ids = [operation["operationId"] for _, _, operation in operations(shipped)]
    assert len(ids) == len(set(ids))


def test_every_component_begins_with_its_owners_name(shipped: dict):
    owners = {"".join(part.capitalize() for part in name.split("_")) for name in SHIPPED} | {"Nexus"}
    strays = [n for n in shipped["components"]["schemas"] if not n.startswith(tuple(owners))]
    assert strays == []


def test_every_operation_says_who_may_call_it(shipped: dict):
    for path, method, operation in operations(shipped):
        ways = [{"bearer": []}, {"apiKey": []}]
        assert operation["security"] in ([], ways[:1], ways, [{}, *ways]), (path, method)


def test_api_keys_are_offered_where_a_permission_may_be_handed_to_a_machine(shipped: dict):
    def offers(path: str, method: str) -> bool:
        return {"apiKey": []} in shipped["paths"][path][method]["security"]

    assert offers("/api/orders/", "get") and offers("/api/auth/users/", "get")
    assert not offers("/api/accounts/api_keys/", "post") and not offers("/api/auth/users/me/", "delete")
    assert not offers("/api/catalog/products/", "get")


def test_every_operation_documents_its_errors_as_problem_details(shipped: dict):
    for path, method, operation in operations(shipped):
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, (path, method)


def test_the_promised_journey_is_in_it(shipped: dict):
    promised = {
        "/api/auth/users/": {"post"},
        "/api/auth/users/activation/": {"post"},
        "/api/auth/users/me/": {"get"},
        "/api/auth/jwt/create/": {"post"},
        "/api/auth/jwt/refresh/": {"post"},
        "/api/auth/jwt/verify/": {"post"},
        "/api/auth/jwt/logout/": {"post"},
        "/api/catalog/categories/": {"get"},
        "/api/catalog/products/": {"get"},
        "/api/catalog/products/{product}/reviews/": {"get", "post"},
        "/api/catalog/products/{product}/reviews/{review_id}/": {"get", "patch", "put", "delete"},
        "/api/cart/cart/": {"get"},
        "/api/cart/cart/items/": {"post"},
        "/api/cart/cart/clear/": {"delete"},
        "/api/orders/": {"get", "post"},
        "/api/payments/initiate/": {"post"},
        "/api/payments/webhook/": {"post", "get"},
        "/api/payments/providers/": {"get"},
        "/api/notifications/": {"get"},
        "/api/notifications/read_all/": {"post"},
        "/api/notifications/unread_count/": {"get"},
    }
    for path, methods in promised.items():
        assert methods <= shipped["paths"][path].keys(), path


def test_requests_are_closed_and_answers_are_open(shipped: dict):
    schemas = shipped["components"]["schemas"]
    assert schemas["CartAddItem"]["additionalProperties"] is False
    for answered in ("NexusProblem", "Cart", "OrdersOrder", "CatalogProduct"):
        assert "additionalProperties" not in schemas[answered], answered


def test_only_installed_plugins_are_in_it():
    paths = document(["catalog"])["paths"]
    assert paths and all(path.startswith("/api/catalog/") for path in paths)
