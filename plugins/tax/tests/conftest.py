"""The tax by itself, with quotes made by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from nexus_tax import plugin
from nexus_tax.checkout import TaxExtension

from nexus_kernel import Money, new_id, reading
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.orders import Quote, QuoteLine
from nexus_kernel.testing import auth_headers


def made_quote(
    *lines: int | tuple[int, int, int],
    currency: str = "ETB",
    shipping: int = 0,
    country: str = "ET",
    region: str = "",
    **facts: Any,
) -> Quote:
    """A quote of these lines: unit price in minor units, or that with quantity and discount."""
    zero = Money.zero(currency)
    quoted = tuple(
        QuoteLine(
            variant_id=new_id(),
            product_id=new_id(),
            sku="L-1",
            title="ፋኖስ",
            quantity=quantity,
            unit_price=Money(price, currency),
            discount=Money(discount, currency),
            tax=zero,
        )
        for price, quantity, discount in (line if isinstance(line, tuple) else (line, 1, 0) for line in lines)
    )
    return Quote(
        user_id=new_id(),
        lines=quoted,
        currency=currency,
        shipping_address=Address(
            address_line="Bole 7", city="Addis Ababa", postal_code="", country=country, region=region
        ),
        payment_method="cash",
        subtotal=sum((line.total for line in quoted), zero),
        discount=sum((line.discount for line in quoted), zero),
        shipping=Money(shipping, currency),
        tax=zero,
        facts=facts,
    )


@pytest.fixture(scope="session")
def hand_made() -> Callable[..., Quote]:
    """`made_quote`."""
    return made_quote


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return [plugin]


@pytest.fixture
def staff(app: Flask) -> dict[str, str]:
    return auth_headers(app, "staff")


@pytest.fixture
def rate(app: Flask, staff: dict[str, str]) -> Callable[..., Any]:
    """POSTs a rate: VAT of Ethiopia on top of prices, unless told otherwise; its body."""

    def create(rate: str = "0.15", label: str = "VAT", **fields: Any) -> Any:
        body = {"country": "ET", "label": label, "rate": rate, "included": False}
        answer = app.test_client().post("/api/tax/rates/", json=body | fields, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return create


@pytest.fixture
def quote(app: Flask) -> Callable[..., Quote]:
    """A prepared quote, as a checkout makes it; see `made_quote`."""

    def make(*lines: Any, **fields: Any) -> Quote:
        bare = made_quote(*lines, **fields)
        with app.app_context(), reading():
            return made_quote(*lines, **fields, tax=TaxExtension().prepare(bare))

    return make
