"""Hooks declare; registries run. Once the application has started, no hook is called."""

import pytest
from flask import Flask

from nexus_kernel.hooks import Hooks
from nexus_kernel.testing import auth_headers, drain

from ..conftest import SHIPPED


@pytest.fixture(scope="session")
def nexus_plugins():
    return SHIPPED


def test_requests_and_deliveries_call_no_hook(app: Flask, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a hook was called after the start")

    monkeypatch.setattr(Hooks, "_gather", refuse)
    client, headers = app.test_client(), auth_headers(app)
    for path in ("/readyz", "/api/schema/", "/api/catalog/products/", "/api/payments/providers/"):
        assert client.get(path).status_code == 200, path
    for path in ("/api/cart/cart/", "/api/orders/", "/api/notifications/"):
        assert client.get(path, headers=headers).status_code == 200, path
    body = {"email": "a@example.com", "password": "correct-horse-9", "re_password": "correct-horse-9"}
    assert client.post("/api/auth/users/", json=body).status_code == 201
    drain(app)
