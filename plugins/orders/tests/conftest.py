"""The orders by themselves: catalog, carts and ways to pay from memory, rules and guards from the test."""

from collections.abc import Callable

import marshmallow as ma
import pytest
from flask import Flask
from nexus_orders import plugin

from nexus_kernel import Amount, Manifest, Money, Schema, hookimpl, new_id, publish, transaction
from nexus_kernel.contracts.orders import Adjustment, CheckoutProblem, OrderExtension, PricePhase
from nexus_kernel.testing import StandInCart, StandInCatalog, StandInPayments, auth_headers


class Rule:
    """A price rule that does what the test says."""

    def __init__(self, code: str, phase: PricePhase) -> None:
        self.code, self.phase = code, phase
        self.does: Callable[..., list[Adjustment]] = lambda quote: []

    def apply(self, quote):
        return self.does(quote)

    def adds(self, minor: int, label: str = "as agreed") -> None:
        self.does = lambda quote: [Adjustment(label=label, amount=Money(minor, quote.currency))]


class Guard:
    """A checkout guard that does what the test says."""

    code = "bazaar.guard"

    def __init__(self) -> None:
        self.does: Callable[..., list[CheckoutProblem]] = lambda quote: []

    def check(self, quote):
        return self.does(quote)


class WrapSchema(Schema):
    """How to wrap."""

    paper = ma.fields.String(required=True, validate=ma.validate.OneOf(["red", "gold"]))
    cards = ma.fields.List(ma.fields.String())


class WrappedSchema(Schema):
    """How it was wrapped."""

    paper = ma.fields.String(required=True)
    fee = Amount(required=True)
    recipient_id = ma.fields.UUID(required=True)


class Wrapping(OrderExtension):
    """Wraps, and does what else the test says."""

    name, request, answer = "bazaar", WrapSchema, WrappedSchema

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.calls: list[tuple] = []
        self.does: dict = {}

    def _step(self, step, *told):
        self.calls.append((step, *told))
        return self.does.get(step, lambda *told: None)(*told)

    def prepare(self, quote):
        return self._step("prepare", quote)

    def snapshot(self, quote):
        return self._step("snapshot", quote)

    def record(self, quote, order_id):
        return self._step("record", quote, order_id) or ()


class Bazaar:
    """Contributes a rule of each phase and a guard."""

    MANIFEST = Manifest(name="bazaar", summary="Rules and guards")

    def __init__(self) -> None:
        self.tax = Rule("bazaar.tax", PricePhase.TAX)
        self.shipping = Rule("bazaar.shipping", PricePhase.SHIPPING)
        self.discount = Rule("bazaar.discount", PricePhase.DISCOUNT)
        self.coupon = Rule("bazaar.coupon", PricePhase.DISCOUNT)
        self.guard = Guard()
        self.wrapping = Wrapping()

    def reset(self) -> None:
        self.wrapping.reset()
        for part in (self.tax, self.shipping, self.discount, self.coupon, self.guard):
            part.does = lambda quote: []

    @hookimpl
    def nexus_price_rules(self):
        return [self.tax, self.shipping, self.discount, self.coupon]

    @hookimpl
    def nexus_checkout_guards(self):
        return [self.guard]

    @hookimpl
    def nexus_order_extensions(self):
        return [self.wrapping]


_CATALOG, _CART, _PAYMENTS, _BAZAAR = StandInCatalog(), StandInCart(), StandInPayments(), Bazaar()

ADDRESS = {
    "address_line": "Bole Road 7",
    "city": "Addis Ababa",
    "postal_code": "1000",
    "country": "ET",
    "region": "Bole",
    "recipient": "Almaz Ayana",
    "phone": "+251 911 123 456",
}


@pytest.fixture(scope="session")
def nexus_plugins():
    return [plugin, _CATALOG, _CART, _PAYMENTS, _BAZAAR]


@pytest.fixture
def catalog() -> StandInCatalog:
    _CATALOG.variants.clear()
    _CATALOG.held.clear()
    return _CATALOG


@pytest.fixture
def carts() -> StandInCart:
    _CART.carts.clear()
    _PAYMENTS.refunds.clear()
    return _CART


@pytest.fixture
def payments() -> StandInPayments:
    """The ways to pay, and what was asked back."""
    return _PAYMENTS


@pytest.fixture
def bazaar() -> Bazaar:
    _BAZAAR.reset()
    return _BAZAAR


@pytest.fixture
def person():
    return new_id()


@pytest.fixture
def buyer(app: Flask, person) -> dict[str, str]:
    return auth_headers(app, person_id=person)


@pytest.fixture
def staff(app: Flask) -> dict[str, str]:
    return auth_headers(app, "staff")


@pytest.fixture
def address() -> dict[str, str]:
    return dict(ADDRESS)


@pytest.fixture
def order(client, person, buyer, carts, catalog, bazaar, address):
    """Fills the buyer's cart with (variant, quantity) pairs and orders it."""

    def place(*lines, headers=None, **body):
        if lines:
            carts.fill(person, {variant.id: quantity for variant, quantity in lines})
        body = {"shipping_address": address, "payment_method": "card", **body}
        return client.post("/api/orders/", json=body, headers={**buyer, **(headers or {})})

    return place


@pytest.fixture
def tell(app: Flask):
    """Publishes events, as the payments would."""

    def publish_all(*events):
        with app.app_context(), transaction():
            for event in events:
                publish(event)

    return publish_all
