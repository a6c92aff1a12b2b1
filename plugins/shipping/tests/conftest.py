"""The shipping by itself, with a catalog and carts from memory."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from nexus_shipping import plugin
from nexus_shipping.checkout import ShippingExtension, ShippingFee, ShippingGuard

from nexus_kernel import Money, new_id, reading
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.orders import Quote, QuoteLine
from nexus_kernel.testing import StandInCart, StandInCatalog, auth_headers

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
def method(app: Flask, staff: dict[str, str]) -> Callable[..., Any]:
    """POSTs a method: flat at 80.00 ETB everywhere, unless told otherwise; its body."""

    def create(code: str = "post", *bands: dict[str, Any], **fields: Any) -> Any:
        body = {"code": code, "title": code.title(), "currency": "ETB", "bands": bands or [{"price": "80"}]}
        answer = app.test_client().post("/api/shipping/methods/", json=body | fields, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return create


@pytest.fixture
def quote(app: Flask) -> Callable[..., Quote]:
    """A prepared quote, as a checkout makes it, of one line of 100.00 that weighs nothing."""

    def make(
        *,
        country: str = "ET",
        region: str = "",
        grams: int = 0,
        quantity: int = 1,
        price: Money | None = None,
        discount: int = 0,
        **requested: Any,
    ) -> Quote:
        price = price or Money(10000, "ETB")
        zero = Money.zero(price.currency)
        line = QuoteLine(
            variant_id=new_id(),
            product_id=new_id(),
            sku="L-1",
            title="Lantern",
            quantity=quantity,
            unit_price=price,
            discount=Money(discount, price.currency),
            tax=zero,
            weight_grams=grams,
        )
        given = {
            "user_id": new_id(),
            "lines": (line,),
            "currency": price.currency,
            "shipping_address": Address(
                address_line="Bole 7", city="Addis Ababa", postal_code="", country=country, region=region
            ),
            "payment_method": "cash",
            "subtotal": line.total,
            "discount": line.discount,
            "shipping": zero,
            "tax": zero,
            "requested": {"shipping": requested},
        }
        with app.app_context(), reading():
            facts = {"shipping": ShippingExtension().prepare(Quote(**given))}
        return Quote(**given, facts=facts)

    return make


@pytest.fixture
def fee() -> Callable[[Quote], list[tuple[str, str]]]:
    """What the rule adds: label and amount."""
    return lambda quote: [(a.label, str(a.amount)) for a in ShippingFee().apply(quote)]


@pytest.fixture
def problems() -> Callable[[Quote], list[str]]:
    """The codes of what the guard finds; each names the field of the choice."""

    def problems(quote: Quote) -> list[str]:
        found = ShippingGuard().check(quote)
        assert all(p.field == "extensions.shipping.method" and p.message for p in found)
        return [problem.code for problem in found]

    return problems
