"""A person's payments: told, and without what pages and gateways say of the person."""

import orjson
import pytest

from nexus_kernel import Money, new_id, reading, transaction


@pytest.fixture
def handler(app):
    return app.extensions["nexus"].data_subjects["payments"]


def export(app, handler, person):
    with app.app_context(), reading():
        return orjson.loads(orjson.dumps(handler.export(person)))


def erase(app, handler, person):
    with app.app_context(), transaction():
        handler.erase(person)


def test_the_export_lists_every_attempt(app, handler, bench, buyer):
    bench.opened()
    (payment,) = export(app, handler, buyer)["payments"]
    assert (payment["amount"], payment["currency"], payment["status"]) == ("250.00", "ETB", "pending")
    assert export(app, handler, new_id()) == {"payments": [], "refunds": []}


def test_the_export_lists_what_was_given_back(app, handler, bench, shop, buyer):
    order = shop.add(buyer)
    bench.paid(order)
    bench.ask_back(order, Money(100, "ETB"), reason="Damaged")
    (refund,) = export(app, handler, buyer)["refunds"]
    assert (refund["amount"], refund["currency"], refund["reason"]) == ("1.00", "ETB", "Damaged")


def test_the_bodies_of_webhooks_that_name_only_a_refund_go_too(app, handler, bench, shop, buyer):
    order = shop.add(buyer)
    bench.paid(order)
    bench.ask_back(order, Money(100, "ETB"))
    bench.notify("", refund=bench.refund().reference, email="abebe@example.com")
    bench.drain()
    erase(app, handler, buyer)
    assert [event.body for event in bench.events()] == [None, None]
    assert bench.refund().amount == Money(100, "ETB")


def test_erasing_keeps_the_books_and_forgets_pages_and_webhook_bodies(app, handler, bench, gateway, buyer):
    bench.opened()
    reference = bench.payment().reference
    gateway.pay(reference)
    bench.notify(reference, email="abebe@example.com")
    bench.drain()
    before, ledger = bench.payment(), [(entry.kind, entry.data) for entry in bench.log()]
    assert before.status == "succeeded" and bench.events()[0].body
    for _ in range(2):
        erase(app, handler, buyer)
        after, (event,) = bench.payment(), bench.events()
        assert (event.body, event.headers, event.status) == (None, {}, "processed")
        assert (after.checkout_url, after.return_url) == (None, None)
        assert (after.status, after.amount, after.reference) == ("succeeded", before.amount, reference)
        assert [(entry.kind, entry.data) for entry in bench.log()] == ledger


def test_a_payment_under_way_is_not_broken_off(app, handler, bench, gateway, buyer):
    bench.opened()
    erase(app, handler, buyer)
    reference = bench.payment().reference
    assert bench.payment().checkout_url
    gateway.pay(reference)
    bench.notify(reference)
    bench.drain()
    assert bench.payment().status == "succeeded"


def test_strangers_webhooks_are_left_alone(app, handler, bench, gateway):
    bench.opened()
    bench.notify(bench.payment().reference)
    erase(app, handler, new_id())
    assert bench.events()[0].body and bench.payment().checkout_url
