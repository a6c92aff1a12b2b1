"""Two prices that change in one transaction: an order has both old ones or both new ones, never a mixture."""

from collections import Counter
from functools import partial

import pytest
from sqlalchemy import text

from nexus_kernel.testing import auth_headers, in_threads, rounds

BUYERS = 8
TOTALS = {"100.00": "200.00", "120.00": "240.00"}
"""By the price that both products have."""
_MOVE = text("UPDATE catalog_variant SET price_minor = CASE price_minor WHEN 10000 THEN 12000 ELSE 10000 END")


@pytest.mark.proof
@pytest.mark.parametrize("expecting", [False, True], ids=["whatever the total", "at the expected total"])
def test_an_order_is_wholly_at_the_old_or_wholly_at_the_new_prices(app, product, put, submit, expecting):
    lamp, vase = product(stock=100_000), product(stock=100_000)
    buyers = [auth_headers(app) for _ in range(BUYERS)]
    engine = app.extensions["nexus"].db.engine
    seen, now = Counter(), "100.00"

    def move() -> None:
        with engine.begin() as connection:
            connection.execute(_MOVE)

    for _ in range(rounds(5, 200)):
        expected = {"expected_total": TOTALS[now]} if expecting else {}
        for buyer in buyers:
            app.test_client().delete("/api/cart/cart/clear/", headers=buyer)
            put(buyer, lamp)
            put(buyer, vase)
        _, *answers = in_threads([move, *(partial(submit, buyer, **expected) for buyer in buyers)])
        for answer in answers:
            if answer.status_code == 201:
                first, second = (item["unit_price"] for item in answer.json["items"])
                assert first == second and answer.json["total"] == TOTALS[first]
                assert not expecting or answer.json["total"] == expected["expected_total"]
                seen[first] += 1
            else:
                assert expecting and answer.json["code"] == "orders.total_changed", answer.json
        now = "120.00" if now == "100.00" else "100.00"
    assert seen
