"""The coupons by themselves: catalog and carts from memory, quotes by hand."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from nexus_promotions import plugin
from nexus_promotions.models import Kind
from nexus_promotions.services.offers import Asked, Offer

from nexus_kernel import Money, new_id
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.orders import Quote, QuoteLine
from nexus_kernel.testing import StandInCart, StandInCatalog, auth_headers

COUPONS = "/api/promotions/coupons/"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
_CATALOG, _CART = StandInCatalog(), StandInCart()


def made_line(price: int, quantity: int = 1, currency: str = "ETB", **ids: Any) -> QuoteLine:
    zero = Money.zero(currency)
    return QuoteLine(
        **{"variant_id": new_id(), "product_id": new_id(), **ids},
        sku="L-1",
        title="ፋኖስ",
        quantity=quantity,
        unit_price=Money(price, currency),
        discount=zero,
        tax=zero,
    )


def made_quote(*lines: QuoteLine, codes: Sequence[str] = (), shipping: int = 0, **facts: Any) -> Quote:
    """A quote of these lines, which asks for these codes."""
    currency = lines[0].unit_price.currency
    zero = Money.zero(currency)
    return Quote(
        user_id=facts.pop("user_id", None) or new_id(),
        lines=lines,
        currency=currency,
        shipping_address=Address(address_line="Bole 7", city="Addis Ababa", postal_code="", country="ET"),
        payment_method="cash",
        subtotal=sum((line.total for line in lines), zero),
        discount=zero,
        shipping=Money(shipping, currency),
        tax=zero,
        requested={"promotions": {"coupons": list(codes)}},
        facts=facts,
    )


def made_offer(kind: str = "percentage", code: str = "SAVE", currency: str = "ETB", **fields: Any) -> Offer:
    """An offer: 10 %, unless told otherwise; `amount` and `minimum_spend` in minor units."""
    for name in {"amount", "minimum_spend"} & fields.keys():
        fields[name] = Money(fields[name], currency)
    return Offer(id=new_id(), code=code, title="", kind=Kind(kind), version=NOON, **fields)


def made_asked(*offers: Offer, **fields: Any) -> Asked:
    known = {offer.code: offer for offer in offers}
    return Asked(**{"codes": tuple(known), "offers": known, "at": NOON, **fields})


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
