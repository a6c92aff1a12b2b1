"""What the tests that cross plugins share."""

from collections.abc import Iterator

import pytest
from flask import Flask

from nexus_kernel import create_app

SHIPPED = (
    "accounts",
    "cart",
    "catalog",
    "notifications",
    "orders",
    "payments",
    "payments_chapa",
    "promotions",
    "shipping",
    "tax",
)


@pytest.fixture(scope="session")
def shop() -> Iterator[Flask]:
    """Every shipped plugin, without a database: for what can be read off the application itself."""
    yield create_app({"kernel": {"environment": "test", "secret_key": "s" * 40}}, plugins=SHIPPED)
