"""Coupons that many want at once: a limit is never passed, and what is counted is what was taken off."""

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Barrier, Event
from uuid import UUID

import pytest
from flask import Flask
from nexus_promotions.checkout import CouponExtension

from nexus_kernel import Manifest, hookimpl, new_id
from nexus_kernel.contracts.cart import CartLine, CartService, CartSnapshot
from nexus_kernel.contracts.orders import PricePhase
from nexus_kernel.testing import (
    StandInAccounts,
    StandInPayments,
    auth_headers,
    drain,
    in_threads,
    rounds,
)

COUPONS = "/api/promotions/coupons/"
BUYERS = 50


class Meanwhile:
    """A price rule that adds nothing; a test says what happens after the coupons were read."""

    MANIFEST = Manifest(name="meanwhile", summary="Happens during a checkout")
    code, phase = "meanwhile.rule", PricePhase.TAX

    def __init__(self) -> None:
        self.does: Callable[[], object] = lambda: None

    def apply(self, quote):
        self.does()
        return []

    @hookimpl
    def nexus_price_rules(self):
        return [self]


class ManyCarts:
    """Provides CartService: a new cart with a lamp each time, so that only a coupon keeps orders apart."""

    MANIFEST = Manifest(name="cart", summary="A cart for every checkout", provides=(CartService,))

    def __init__(self) -> None:
        self.lamp: UUID | None = None

    def get(self, user_id):
        assert self.lamp is not None
        lines = (CartLine(variant_id=self.lamp, quantity=1),)
        return CartSnapshot(id=new_id(), generation=1, lines=lines)

    lock = get

    def empty(self, cart_id, generation):
        """It is forgotten anyhow."""

    @hookimpl
    def nexus_services(self):
        return {CartService: lambda session: self}


_CARTS, _MEANWHILE = ManyCarts(), Meanwhile()


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return ["catalog", _CARTS, "orders", "promotions", StandInAccounts(), StandInPayments(), _MEANWHILE]


@pytest.fixture
def nexus_config():
    return {"kernel": {"database_pool_size": BUYERS + 5, "lock_timeout_ms": 30_000}}


@pytest.fixture
def meanwhile():
    yield _MEANWHILE
    _MEANWHILE.does = lambda: None


@pytest.fixture
def staff(app: Flask) -> dict[str, str]:
    return auth_headers(app, "staff")


@pytest.fixture
def coupon(app: Flask, staff):
    def create(code: str, **fields):
        body = {"code": code, "kind": "percentage", "percentage": "10", **fields}
        answer = app.test_client().post(COUPONS, json=body, headers=staff)
        assert answer.status_code == 201, answer.json
        return answer.json

    return create


@pytest.fixture
def order(app: Flask, submit, product, ask):
    """Orders a lamp as this person, with these codes."""
    product(stock=1_000_000)
    _CARTS.lamp = ask("SELECT id FROM catalog_variant")

    def place(person, *codes: str):
        return submit(
            auth_headers(app, person_id=person), extensions={"promotions": {"coupons": list(codes)}}
        )

    return place


@pytest.fixture
def truth(ask):
    """What is counted, taken and discounted by the coupon's id."""

    def look(coupon) -> tuple[int, int, int]:
        mine = f"coupon_id = '{coupon['id']}' AND state = 'taken'"
        return (
            ask(f"SELECT uses FROM promotions_coupon WHERE id = '{coupon['id']}'"),
            ask(f"SELECT count(*) FROM promotions_redemption WHERE {mine}"),
            ask(
                "SELECT count(*) FROM orders_order o JOIN promotions_redemption r ON r.order_id = o.id"
                f" WHERE {mine} AND o.status <> 'cancelled' AND o.discount_minor = r.amount_minor"
            ),
        )

    return look


def refusals(answers) -> Counter:
    lost = [answer for answer in answers if answer.status_code != 201]
    assert {answer.content_type for answer in lost} <= {"application/problem+json"}
    return Counter((answer.status_code, *(e["code"] for e in answer.json["errors"])) for answer in lost)


def placed(answer) -> str | None:
    """The id of the order; None where the coupon was used up."""
    return answer.json["id"] if answer.status_code == 201 else refusals([answer]) and None


@pytest.mark.proof
def test_the_last_use_goes_to_one_of_fifty(coupon, order, truth, meanwhile, ask):
    """All of them have found the coupon good, and none has taken it yet."""
    for number in range(rounds(20, 200)):
        made, barrier = coupon(f"LAST{number}", usage_limit=1), Barrier(BUYERS)
        meanwhile.does = barrier.wait
        answers = in_threads([lambda code=made["code"]: order(new_id(), code)] * BUYERS)
        assert refusals(answers) == {(409, "promotions.used_up"): BUYERS - 1}
        assert truth(made) == (1, 1, 1)
        assert ask("SELECT count(*) FROM orders_order") == number + 1


@pytest.mark.proof
def test_whoever_comes_a_little_later_is_told_beforehand(coupon, order, truth):
    for number in range(rounds(3, 50)):
        made = coupon(f"FEW{number}", usage_limit=7)
        answers = in_threads([lambda code=made["code"]: order(new_id(), code)] * BUYERS)
        assert set(refusals(answers)) <= {(409, "promotions.used_up"), (422, "promotions.used_up")}
        assert truth(made) == (7, 7, 7)


@pytest.mark.proof
@pytest.mark.parametrize("limits", [{}, {"usage_limit": 1000}])
def test_one_person_on_many_devices_takes_what_one_person_may(coupon, order, truth, meanwhile, ask, limits):
    devices = 12
    for number in range(rounds(5, 100)):
        made = coupon(f"MINE{number}", usage_limit_per_person=2, **limits)
        people, barrier = [new_id(), new_id()], Barrier(2 * devices)
        meanwhile.does = barrier.wait
        answers = in_threads([lambda p=p, code=made["code"]: order(p, code) for p in people * devices])
        assert refusals(answers) == {(409, "promotions.used_by_person"): 2 * devices - 4}
        taken = ask(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM promotions_redemption"
            f" WHERE coupon_id = '{made['id']}' GROUP BY user_id) AS each"
        )
        assert taken == 2 and truth(made) == (4 if limits else 0, 4, 4)


def test_codes_in_opposite_order_do_not_lock_each_other_out(coupon, order, truth, meanwhile):
    codes = [coupon(f"PAIR{n}", usage_limit=1000, is_combinable=True)["code"] for n in range(5)]
    for _ in range(rounds(5, 50)):
        barrier = Barrier(20)
        meanwhile.does = barrier.wait
        ways = [codes, codes[::-1]] * 10
        answers = in_threads([lambda way=way: order(new_id(), *way) for way in ways])
        assert [answer.status_code for answer in answers] == [201] * 20


@pytest.mark.parametrize("limits", [{}, {"usage_limit_per_person": 1}])
def test_nobody_waits_where_nothing_is_shared(coupon, order, truth, monkeypatch, limits):
    """Each order goes on when all of them have taken the coupon, and none is committed."""
    made, barrier, record = coupon("OPEN", **limits), Barrier(10), CouponExtension.record

    def together(self, quote, order_id):
        problems = record(self, quote, order_id)
        barrier.wait(20)
        return problems

    monkeypatch.setattr(CouponExtension, "record", together)
    answers = in_threads([lambda: order(new_id(), "OPEN")] * 10)
    assert [answer.status_code for answer in answers] == [201] * 10 and truth(made) == (0, 10, 10)


@pytest.mark.proof
def test_uses_are_given_back_and_taken_at_the_same_time(app, coupon, order, truth, staff):
    """Cancellations are delivered while others order: the count is what is taken, at every end."""
    made = coupon("ROUND", usage_limit=10)

    def cancel(ids) -> None:
        for id in ids:
            path, body = f"/api/orders/{id}/", {"status": "cancelled"}
            assert app.test_client().patch(path, json=body, headers=staff).status_code == 200

    for _ in range(rounds(5, 60)):
        cancel(id for id in in_threads([lambda: placed(order(new_id(), "ROUND"))] * 15) if id)
        done = Event()

        def deliver(done: Event = done) -> list[str | None]:
            drain(app)
            done.set()
            return []

        def buy(done: Event = done) -> list[str | None]:
            ids = []
            while not done.is_set():
                ids.append(placed(order(new_id(), "ROUND")))
            return ids

        bought = [id for ids in in_threads([deliver, *[buy] * 6]) for id in ids if id]
        assert truth(made) == (len(bought),) * 3 and len(bought) <= 10
        cancel(bought)
        drain(app)
        assert truth(made) == (0, 0, 0)


@pytest.mark.proof
def test_a_limit_that_is_set_while_people_order_counts_all_of_them(app, coupon, order, truth, staff):
    for number in range(rounds(5, 100)):
        made = coupon(f"LATE{number}")
        path = f"{COUPONS}{made['id']}/"

        def limit(path=path) -> object:
            return app.test_client().patch(path, json={"usage_limit": 1000}, headers=staff)

        def buy(code=made["code"]) -> list:
            return [order(new_id(), code) for _ in range(3)]

        changed, *bought = in_threads([limit, *[buy] * 10])
        assert changed.status_code == 200
        told = refusals([answer for answers in bought for answer in answers])
        assert set(told) <= {(409, "promotions.changed")}
        uses, redeemed, discounted = truth(made)
        assert uses == redeemed == discounted
