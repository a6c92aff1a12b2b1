"""The cart by itself, with a catalog from memory."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from nexus_cart import plugin
from werkzeug.test import TestResponse

from nexus_kernel.testing import StandInCatalog, auth_headers

ITEMS, TOKEN = "/api/cart/cart/items/", "X-Cart-Token"

Put = Callable[..., TestResponse]


@pytest.fixture(scope="session")
def stand_in() -> StandInCatalog:
    return StandInCatalog()


@pytest.fixture(scope="session")
def nexus_plugins(stand_in: StandInCatalog):
    return [plugin, stand_in]


@pytest.fixture
def catalog(stand_in: StandInCatalog) -> StandInCatalog:
    stand_in.variants.clear()
    stand_in.held.clear()
    return stand_in


@pytest.fixture
def buyer(app: Flask) -> dict[str, str]:
    """The headers of a person."""
    return auth_headers(app)


@pytest.fixture
def put(app: Flask) -> Put:
    """Adds pieces of a variant to the cart of whoever these headers stand for."""

    def _put(headers: dict[str, str], variant: Any, quantity: int = 1) -> TestResponse:
        body = {"variant_id": str(variant.id), "quantity": quantity}
        return app.test_client().post(ITEMS, json=body, headers=headers)

    return _put


@pytest.fixture
def guest(put: Put) -> Callable[..., dict[str, str]]:
    """Opens a guest's cart with pieces of these variants; its header."""

    def _guest(*lines: tuple[Any, int]) -> dict[str, str]:
        headers: dict[str, str] = {}
        for variant, quantity in lines:
            answer = put(headers, variant, quantity)
            assert answer.status_code == 201, answer.text
            headers = headers or {TOKEN: answer.headers[TOKEN]}
        return headers

    return _guest
