"""What payments and time do to an order, one after the other and at once."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from nexus_orders.payables import OrderPayables
from nexus_orders.tasks import expire
from sqlalchemy import text

from nexus_kernel import Money, new_id, now, transaction
from nexus_kernel.contracts.payments import PaymentFailed, PaymentNeedsReview, PaymentSucceeded
from nexus_kernel.outbox import deliver_due
from nexus_kernel.testing import drain, in_threads

ORDERS = "/api/orders/"


@pytest.fixture
def placed(order, catalog):
    return order((catalog.add(Money(1000, "ETB"), available=1), 1)).json


@pytest.fixture
def look(client, staff):
    return lambda placed: client.get(f"{ORDERS}{placed['id']}/", headers=staff).json


@pytest.fixture
def history(client, staff):
    def read(placed):
        return client.get(f"{ORDERS}{placed['id']}/history/", headers=staff).json["results"]

    return read


def payment_of(placed, **changed):
    return {
        "payment_id": new_id(),
        "payable_kind": "order",
        "payable_id": UUID(placed["id"]),
        "owner_id": UUID(placed["user_id"]),
        "number": placed["number"],
        "provider": "chapa",
        "reference": "TX1",
        "amount": Money(1000, "ETB"),
        **changed,
    }


def succeeded(placed, **changed):
    return PaymentSucceeded(**payment_of(placed, **changed), succeeded_at=now())


def failed(placed):
    return PaymentFailed(**payment_of(placed), reason="declined")


def needs_review(placed):
    given = payment_of(placed)
    kept = {name: given[name] for name in ("payment_id", "payable_kind", "payable_id")}
    return PaymentNeedsReview(**kept, reason="another amount")


def run_out(app, minutes: int = 60) -> None:
    with app.app_context(), transaction() as session:
        session.execute(
            text("UPDATE orders_order SET expires_at = expires_at - make_interval(mins => :minutes)"),
            {"minutes": minutes},
        )


def sweep(app) -> None:
    with app.app_context():
        expire.function()


def note_releases(catalog, monkeypatch) -> list[str]:
    released, release = [], catalog.release

    def noting(reference):
        released.append(reference)
        return release(reference)

    monkeypatch.setattr(catalog, "release", noting)
    return released


def status_of(order):
    return (order["status"], order["payment_status"])


def test_a_payment_confirms_its_order_once(app, placed, tell, look, history):
    event = succeeded(placed)
    tell(event, event)
    tell(event)
    drain(app)
    assert status_of(look(placed)) == ("confirmed", "paid")
    assert [step["new_status"] for step in history(placed)] == ["pending", "confirmed"]


def test_a_failed_attempt_shows_and_the_next_one_pays(app, placed, tell, look):
    tell(failed(placed))
    drain(app)
    assert status_of(look(placed)) == ("pending", "failed")
    tell(succeeded(placed))
    drain(app)
    assert status_of(look(placed)) == ("confirmed", "paid")


def test_a_late_failure_never_undoes_a_payment(app, placed, tell, look):
    tell(succeeded(placed))
    drain(app)
    tell(failed(placed), needs_review(placed))
    drain(app)
    assert status_of(look(placed)) == ("confirmed", "paid")


def test_another_amount_is_put_under_review_and_does_not_confirm(app, placed, tell, look):
    tell(succeeded(placed, amount=Money(999, "ETB")))
    drain(app)
    assert status_of(look(placed)) == ("pending", "needs_review")


def test_a_payment_under_review_is_shown(app, placed, tell, look, history):
    tell(needs_review(placed))
    drain(app)
    assert status_of(look(placed)) == ("pending", "needs_review")
    assert "another amount" in history(placed)[-1]["reason"]


def test_a_second_payment_is_remarked(app, placed, tell, look, history):
    tell(succeeded(placed))
    drain(app)
    tell(succeeded(placed, reference="TX2"))
    drain(app)
    assert status_of(look(placed)) == ("confirmed", "paid")
    assert "TX2" in history(placed)[-1]["reason"]


@pytest.fixture
def cancelled(client, buyer, placed):
    assert client.post(f"{ORDERS}{placed['id']}/cancel/", json={}, headers=buyer).status_code == 200
    return placed


def test_late_money_brings_a_cancelled_order_back_while_its_pieces_are_there(
    app, cancelled, tell, look, history, catalog
):
    tell(succeeded(cancelled))
    drain(app)
    assert status_of(look(cancelled)) == ("confirmed", "paid")
    assert list(catalog.held) == [f"order:{cancelled['id']}"]
    came, back = history(cancelled)[-2:]
    assert "TX1" in came["reason"] and came["new_status"] == "cancelled"
    assert (back["old_status"], back["new_status"], back["reason"]) == ("cancelled", "confirmed", "paid late")
    assert back["actor_id"] is None and back["payment_status"] == "paid"


def test_late_money_for_an_order_that_expired_brings_it_back_for_good(app, placed, tell, look):
    run_out(app)
    sweep(app)
    tell(succeeded(placed))
    drain(app)
    sweep(app)
    assert status_of(look(placed)) == ("confirmed", "paid")


def test_late_money_for_pieces_that_are_gone_needs_review(app, cancelled, tell, look, history, catalog):
    variant_id = UUID(cancelled["items"][0]["variant_id"])
    catalog.variants[variant_id] = replace(catalog.variants[variant_id], available=0)
    tell(succeeded(cancelled))
    drain(app)
    assert status_of(look(cancelled)) == ("cancelled", "needs_review")
    assert "TX1" in history(cancelled)[-1]["reason"] and not catalog.held


def test_late_money_of_another_amount_brings_nothing_back(app, cancelled, tell, look, catalog):
    tell(succeeded(cancelled, amount=Money(999, "ETB")))
    drain(app)
    tell(succeeded(cancelled))
    drain(app)
    assert status_of(look(cancelled)) == ("cancelled", "needs_review") and not catalog.held


def test_nobody_asks_for_a_cancelled_order_to_come_back(client, staff, cancelled, look, catalog):
    body = {"status": "confirmed", "reason": "paid late"}
    refused = client.patch(f"{ORDERS}{cancelled['id']}/", json=body, headers=staff)
    assert refused.status_code == 409 and refused.json["legal"] == []
    assert look(cancelled)["status"] == "cancelled" and not catalog.held


def test_events_of_other_payables_and_of_unknown_orders_are_ignored(app, placed, tell, look):
    tell(succeeded(placed, payable_kind="gift_card"), succeeded(placed, payable_id=new_id()))
    drain(app)
    assert status_of(look(placed)) == ("pending", "pending")
    with app.app_context():
        assert deliver_due() == 0


def test_a_paid_order_is_not_cancelled_by_its_owner_alone(app, client, buyer, placed, tell, catalog):
    tell(succeeded(placed))
    drain(app)
    asked = client.post(f"{ORDERS}{placed['id']}/cancel/", json={}, headers=buyer)
    assert asked.status_code == 200 and asked.json["cancellation"]["status"] == "requested"
    assert status_of(asked.json) == ("confirmed", "paid") and catalog.held


def test_a_paid_order_is_not_cancelled_by_staff_before_the_refund(
    app, client, staff, placed, tell, look, catalog
):
    tell(succeeded(placed))
    drain(app)
    refused = client.patch(f"{ORDERS}{placed['id']}/", json={"status": "cancelled"}, headers=staff)
    assert refused.status_code == 409 and refused.json["code"] == "orders.already_paid"
    assert "refund" in refused.json["detail"]
    assert status_of(look(placed)) == ("confirmed", "paid") and catalog.held


def test_an_order_under_review_is_cancelled_by_staff_who_looked_at_it(
    app, client, staff, placed, tell, look, catalog
):
    tell(needs_review(placed))
    drain(app)
    client.patch(f"{ORDERS}{placed['id']}/", json={"status": "cancelled"}, headers=staff)
    assert status_of(look(placed)) == ("cancelled", "needs_review") and not catalog.held


def test_an_order_of_nothing_is_cancelled_by_staff(client, staff, order, catalog, bazaar, look):
    bazaar.discount.adds(1000)
    free = order((catalog.add(Money(1000, "ETB")), 1)).json
    client.patch(f"{ORDERS}{free['id']}/", json={"status": "cancelled"}, headers=staff)
    assert look(free)["status"] == "cancelled" and not catalog.held


def test_an_unpaid_order_expires_and_gives_its_stock_back(app, placed, look, history, catalog):
    sweep(app)
    assert status_of(look(placed)) == ("pending", "pending"), "its time is not over"
    run_out(app)
    sweep(app)
    sweep(app)
    assert status_of(look(placed)) == ("cancelled", "pending")
    assert [step["reason"] for step in history(placed)] == ["Placed", "expired"]
    assert catalog.held == {}


def test_paid_and_reviewed_and_offline_orders_do_not_expire(app, order, catalog, placed, tell, look):
    reviewed = order((catalog.add(Money(1000, "ETB")), 1)).json
    offline = order((catalog.add(), 1), payment_method="cash").json
    tell(succeeded(placed), needs_review(reviewed))
    drain(app)
    run_out(app)
    sweep(app)
    assert [look(o)["status"] for o in (placed, reviewed, offline)] == ["confirmed", "pending", "pending"]


def test_one_order_that_cannot_expire_does_not_hold_the_others(app, order, catalog, look, monkeypatch):
    stuck, other = (order((catalog.add(), 1)).json for _ in range(2))
    run_out(app)
    release = catalog.release

    def fragile(reference):
        if stuck["id"] in reference:
            raise RuntimeError("on purpose")
        return release(reference)

    monkeypatch.setattr(catalog, "release", fragile)
    sweep(app)
    assert [look(o)["status"] for o in (stuck, other)] == ["pending", "cancelled"]
    monkeypatch.setattr(catalog, "release", release)
    sweep(app)
    assert look(stuck)["status"] == "cancelled"


def test_sweeps_at_once_release_each_order_once(app, order, catalog, monkeypatch):
    for _ in range(10):
        order((catalog.add(), 1))
    run_out(app)
    released, release = [], catalog.release
    monkeypatch.setattr(
        catalog, "release", lambda reference: released.append(reference) or release(reference)
    )
    in_threads([lambda: sweep(app)] * 4)
    assert len(released) == len(set(released)) == 10


@pytest.mark.parametrize("round", range(5))
def test_a_payment_and_the_expiry_at_once_agree(app, placed, tell, look, history, catalog, round):
    run_out(app)
    tell(succeeded(placed))

    def pay():
        with app.app_context():
            deliver_due()

    in_threads([pay, lambda: sweep(app), pay, lambda: sweep(app)])
    drain(app)
    assert status_of(look(placed)) == ("confirmed", "paid"), "even when the expiry came first"
    assert len(catalog.held) == 1
    steps = history(placed)
    assert all(a["new_status"] == b["old_status"] for a, b in pairwise(steps))


def test_cancelling_and_expiring_at_once_release_once(app, client, buyer, placed, catalog, monkeypatch):
    run_out(app)
    released, release = [], catalog.release
    monkeypatch.setattr(
        catalog, "release", lambda reference: released.append(reference) or release(reference)
    )

    def cancel() -> int:
        url = f"{ORDERS}{placed['id']}/cancel/"
        return app.test_client().post(url, json={}, headers=buyer).status_code

    answers = in_threads([cancel, cancel, cancel, lambda: sweep(app)])
    assert len(released) == 1 and set(answers) <= {200, 409, None}


# -- payables


def resolve(app, *ids):
    with app.app_context():
        return OrderPayables().resolve(ids)


def test_an_order_is_payable_for_its_total(app, placed):
    order_id = UUID(placed["id"])
    payables = resolve(app, order_id, new_id())
    (payable,) = payables.values()
    assert (payable.id, payable.number, payable.amount) == (order_id, placed["number"], Money(1000, "ETB"))
    assert payable.owner_id == UUID(placed["user_id"]) and payable.refusal is None


def test_a_payable_says_why_it_is_refused(app, client, buyer, order, catalog, tell):
    cancelled, paid, reviewed, expired = (order((catalog.add(Money(1000, "ETB")), 1)).json for _ in range(4))
    client.post(f"{ORDERS}{cancelled['id']}/cancel/", json={}, headers=buyer)
    tell(succeeded(paid), needs_review(reviewed))
    drain(app)
    run_out(app)
    ids = [UUID(o["id"]) for o in (cancelled, paid, reviewed, expired)]
    payables = resolve(app, *ids)
    words = ("cancelled", "already paid", "being looked at", "expired")
    for id, word in zip(ids, words, strict=True):
        assert word in payables[id].refusal


def test_the_application_knows_the_payable(app):
    assert app.extensions["nexus"].payables["order"].kind == "order"


def test_the_sweep_is_scheduled(app):
    (periodic,) = [p for p in app.extensions["nexus"].periodics if p.task.name == "orders.expire"]
    assert timedelta(seconds=periodic.seconds) == timedelta(seconds=30)
