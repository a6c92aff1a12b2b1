"""What is kept of a person, and what is left when they are erased."""

from datetime import UTC, datetime

import pytest
from nexus_promotions.models import Redemption
from nexus_promotions.services.privacy import PromotionsData
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from nexus_kernel import new_id, transaction
from nexus_kernel.testing import count_queries

COUPONS = "/api/promotions/coupons/"


@pytest.fixture
def redeemed(app, coupon, person):
    """Two redemptions of the person, and one of somebody else."""
    made = coupon("SAVE10")
    with app.app_context(), transaction() as session:
        for user_id, minor in ((person, 100), (person, 200), (new_id(), 300)):
            session.add(
                Redemption(
                    coupon_id=made["id"],
                    order_id=new_id(),
                    user_id=user_id,
                    amount_minor=minor,
                    currency="ETB",
                    at=datetime(2030, 1, 1, tzinfo=UTC),
                )
            )
    return made


def test_a_person_is_told_which_coupons_they_used(app, redeemed, person):
    with app.app_context(), transaction(), count_queries(app) as queries:
        told = PromotionsData().export(person)["redemptions"]
        assert PromotionsData().export(new_id()) == {"redemptions": []}
    assert [(r["code"], r["amount"], r["state"]) for r in told] == [
        ("SAVE10", "1.00", "taken"),
        ("SAVE10", "2.00", "taken"),
    ]
    assert len([s for s in queries.statements if "SELECT" in s]) == 2


def test_an_erased_person_leaves_the_amounts(app, client, staff, redeemed, person):
    for _ in range(2):
        with app.app_context(), transaction():
            PromotionsData().erase(person)
    with app.app_context(), transaction():
        assert PromotionsData().export(person) == {"redemptions": []}
    page = client.get(f"{COUPONS}{redeemed['id']}/redemptions/", headers=staff).json
    assert [(r["amount"], r["user_id"] is None) for r in page["results"]] == [
        ("3.00", False),
        ("2.00", True),
        ("1.00", True),
    ]


def test_redemptions_are_listed_page_by_page(app, client, staff, redeemed):
    path = f"{COUPONS}{redeemed['id']}/redemptions/"
    with count_queries(app) as queries:
        first = client.get(path, query_string={"page_size": 2, "state": "taken"}, headers=staff).json
    assert len(queries) == 2, str(queries)
    assert first["count"] == 3 and [r["amount"] for r in first["results"]] == ["3.00", "2.00"]
    assert [r["amount"] for r in client.get(first["next"], headers=staff).json["results"]] == ["1.00"]
    assert client.get(path, query_string={"state": "returned"}, headers=staff).json["count"] == 0
    assert client.get(path, query_string={"state": "gone"}, headers=staff).status_code == 422


@pytest.mark.parametrize(
    "spoil", ["state = 'lost'", "amount_minor = 0", "currency = 'etb'", "coupon_id = gen_random_uuid()"]
)
def test_the_database_refuses_what_makes_no_sense(app, redeemed, spoil):
    with app.extensions["nexus"].db.engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text(f"UPDATE promotions_redemption SET {spoil}"))
