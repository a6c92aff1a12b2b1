"""The coupons by themselves: catalog and carts from memory."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from nexus_promotions import plugin

from nexus_kernel import new_id
from nexus_kernel.testing import StandInCart, StandInCatalog, auth_headers

COUPONS = "/api/promotions/coupons/"
_CATALOG, _CART = StandInCatalog(), StandInCart()


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return [plugin, _CATALOG, _CART]


@pytest.fixture
def catalog() -> StandInCatalog:
    _CATALOG.variants.clear()
    return _CATALOG


@pytest.fixture
def carts() -> StandInCart:
    _CART.carts.clear()
    return _CART


@pytest.fixture
def staff(app: Flask) -> dict[str, str]:
    return auth_headers(app, "staff")


@pytest.fixture
def person():
    return new_id()


@pytest.fixture
def buyer(app: Flask, person) -> dict[str, str]:
    return auth_headers(app, person_id=person)


@pytest.fixture
def coupon(app: Flask, staff: dict[str, str]) -> Callable[..., Any]:
    """POSTs a coupon: 10 %, unless told otherwise; its body."""

    def create(code: str = "SAVE10", **fields: Any) -> Any:
        body: dict[str, Any] = {"code": code, "kind": "percentage", "percentage": "10"}
        if fields.get("kind", "percentage") != "percentage":
            del body["percentage"]
        answer = app.test_client().post(COUPONS, json=body | fields, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return create
