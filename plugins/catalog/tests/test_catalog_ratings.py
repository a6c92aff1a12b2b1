"""The kept ratings of a product are those of its published reviews, whoever writes what at once."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from nexus_catalog.config import CatalogConfig
from nexus_catalog.models import Product, Review
from nexus_catalog.services import reviews
from nexus_catalog.services.authors import forget_author
from nexus_catalog.services.moderation import decide
from nexus_catalog.services.ratings import recount_ratings
from sqlalchemy import event, func, select, text, update

from nexus_kernel import new_id, reading, transaction
from nexus_kernel.errors import NexusError
from nexus_kernel.testing import auth_headers, in_threads, rounds

PRODUCTS = "/api/catalog/products/"
STARS = st.integers(1, 5)


@pytest.fixture
def nexus_config():
    """A connection for each of forty reviewers."""
    return {"kernel": {"database_pool_size": 45}}


def kept(app) -> dict:
    """Count, sum and stars of every product."""
    with app.app_context(), reading() as session:
        columns = (Product.id, Product.rating_count, Product.rating_sum, Product.rating_stars)
        return {id: (n, points, stars) for id, n, points, stars in session.execute(select(*columns))}


def recomputed(app) -> dict:
    """The same out of the reviews."""
    with app.app_context(), reading() as session:
        given = {id: [] for id in session.scalars(select(Product.id))}
        published = select(Review.product_id, Review.rating).where(Review.state == "published")
        for product_id, rating in session.execute(published):
            given[product_id].append(rating)
    return {
        id: (len(ratings), sum(ratings), [ratings.count(star) for star in range(1, 6)])
        for id, ratings in given.items()
    }


def test_thirty_people_reviewing_one_product_at_once_are_all_counted(app, client, sell, review):
    sell()
    answers = in_threads([lambda n=n: review(rating=n % 5 + 1) for n in range(30)])
    assert {answer.status_code for answer in answers} == {201}
    page = client.get(f"{PRODUCTS}lantern/reviews/").json
    assert (page["rating_count"], page["rating_average"]) == (30, 3.0)
    assert set(page["rating_distribution"].values()) == {6} and kept(app) == recomputed(app)


def test_people_who_review_two_products_in_opposite_order_do_not_deadlock(app, sell, review):
    sell(), sell("Basket")

    def reviewing(*products):
        headers = auth_headers(app)
        return [review(product, headers=headers).status_code for product in products]

    calls = [lambda: reviewing("lantern", "basket"), lambda: reviewing("basket", "lantern")] * 10
    assert in_threads(calls) == [[201, 201]] * 20
    assert kept(app) == recomputed(app)


def test_statements_over_many_products_at_once_do_not_deadlock(app, sell):
    products = [sell(f"Lantern {n}").product_id for n in range(8)]

    def importing(order):
        with app.app_context(), transaction() as session:
            rows = [
                {"id": new_id(), "product_id": id, "author_id": new_id(), "rating": 3, "state": "published"}
                for id in order
            ]
            session.execute(Review.__table__.insert().values(rows))

    in_threads([lambda n=n: importing(products if n % 2 else products[::-1]) for n in range(20)])
    assert kept(app) == recomputed(app) and {n for n, _, _ in kept(app).values()} == {20}


def test_edits_decisions_and_deletions_at_once_leave_exact_ratings(app, client, sell, review, staff):
    sell()
    people = [auth_headers(app) for _ in range(8)]
    made = [review(rating=n % 5 + 1, headers=person).json["id"] for n, person in enumerate(people)]
    url = f"{PRODUCTS}lantern/reviews/"

    def acts(n):
        client, one = app.test_client(), f"{url}{made[n]}/"
        return [
            lambda: client.patch(one, json={"rating": 5 - n % 5}, headers=people[n]),
            lambda: client.post(
                f"/api/catalog/reviews/{made[n]}/hide/", json={"reason": "So."}, headers=staff
            ),
            lambda: client.post(f"/api/catalog/reviews/{made[n]}/approve/", json={}, headers=staff),
            lambda: client.delete(one, headers=people[n] if n % 2 else staff),
        ]

    answers = in_threads([act for n in range(8) for act in acts(n)])
    assert {answer.status_code for answer in answers} <= {200, 204, 404, 409}
    assert kept(app) == recomputed(app)


def test_ratings_are_kept_even_from_those_who_write_past_the_services(app, sell):
    lantern, basket = sell().product_id, sell("Basket").product_id
    insert = (
        "INSERT INTO catalog_review (id, product_id, author_id, rating, state) SELECT gen_random_uuid(), "
        "p.id, gen_random_uuid(), n, CASE WHEN n = 1 THEN 'hidden' ELSE 'published' END "
        "FROM catalog_product p, generate_series(1, 5) n"
    )
    moves = (
        insert,
        "UPDATE catalog_review SET rating = 6 - rating WHERE rating IN (2, 4)",
        "UPDATE catalog_review SET product_id = (SELECT id FROM catalog_product WHERE slug = 'basket')",
        "UPDATE catalog_review SET state = 'published'",
        "DELETE FROM catalog_review WHERE rating = 5",
    )
    seen = []
    for statement in moves:
        with app.app_context(), transaction() as session:
            session.execute(text(statement))
        assert kept(app) == recomputed(app), statement
        seen.append((kept(app)[lantern][:2], kept(app)[basket][:2]))
    assert seen == [
        ((4, 14), (4, 14)), ((4, 14), (4, 14)), ((0, 0), (8, 28)), ((0, 0), (10, 30)), ((0, 0), (8, 20))
    ]  # fmt: skip


def test_a_change_of_words_does_not_write_to_the_product(app, client, sell, review):
    sell()
    author = auth_headers(app)
    made = review(headers=author).json

    def version():
        with app.app_context(), reading() as session:
            return session.scalar(text("SELECT xmin::text FROM catalog_product"))

    before = version()
    client.patch(f"{PRODUCTS}lantern/reviews/{made['id']}/", json={"body": "Glows."}, headers=author)
    assert version() == before


def test_recounting_repairs_and_says_how_many_were_wrong(app, sell, review):
    for title in ("Lantern", "Basket", "Mug"):
        sell(title)
    review(rating=2), review(rating=5), review("basket", rating=4)
    runner = app.test_cli_runner()
    with app.app_context(), transaction() as session:
        session.execute(update(Product).where(Product.slug == "lantern").values(rating_count=9, rating_sum=9))
        session.execute(update(Product).where(Product.slug == "mug").values(rating_stars=[1, 0, 0, 0, 0]))
    with app.app_context():
        command = app.extensions["nexus"].hooks.commands()[0].value.commands["recount-ratings"]
        first = runner.invoke(command)
        again = runner.invoke(command)
    assert first.output == "2 product(s) had wrong ratings.\n", first.output
    assert again.output == "0 product(s) had wrong ratings.\n"
    assert kept(app) == recomputed(app)


def test_a_review_that_is_committed_during_a_recount_is_counted_once(app, sell, review):
    sell()
    review(rating=1)
    with app.app_context(), transaction() as session:
        session.execute(update(Product).values(rating_count=7, rating_sum=7))
    engine, late = app.extensions["nexus"].db.base_engine, []

    def write_meanwhile(conn, cursor, statement, *rest):
        if "FOR NO KEY UPDATE" in statement and not late:
            late.append(review(rating=5).status_code)

    event.listen(engine, "before_cursor_execute", write_meanwhile)
    with app.app_context():
        assert recount_ratings() == 1
    event.remove(engine, "before_cursor_execute", write_meanwhile)
    assert late == [201] and kept(app) == recomputed(app)
    assert next(iter(kept(app).values()))[0] == 2


class Reviewing(RuleBasedStateMachine):
    """Several people and staff do what they may with the reviews of two products, in any order."""

    reviews = Bundle("reviews")
    app = None
    moderation = "after"

    def __init__(self) -> None:
        super().__init__()
        self.people = [new_id() for _ in range(4)]
        self.staff = new_id()
        self.products = [self.sell(f"Lantern {n}").product_id for n in range(2)]
        self.config = CatalogConfig(review_moderation=self.moderation)

    def act(self, do):
        """The result of a unit of work, or None when it was refused."""
        try:
            with self.app.app_context(), transaction() as session:
                return do(session)
        except NexusError:
            return None

    @rule(target=reviews, product=st.integers(0, 1), person=st.integers(0, 3), rating=STARS)
    def write(self, product, person, rating):
        key, author = str(self.products[product]), self.people[person]
        made = self.act(lambda s: reviews.create_review(s, key, author, {"rating": rating}, self.config))
        return multiple() if made is None else (key, made["id"], author)

    @rule(review=reviews, rating=STARS, by=st.integers(-1, 3))
    def edit(self, review, rating, by):
        key, id, author = review
        person = author if by < 0 else self.people[by]
        self.act(lambda s: reviews.update_review(s, key, id, person, {"rating": rating}, self.config))

    @rule(review=reviews, decision=st.sampled_from(["approve", "hide"]))
    def judge(self, review, decision):
        self.act(lambda s: decide(s, review[1], decision, "So.", self.staff))

    @rule(review=reviews, by_staff=st.booleans())
    def delete(self, review, by_staff):
        key, id, author = review
        self.act(lambda s: reviews.delete_review(s, key, id, author, deletes_any=by_staff))

    @rule(person=st.integers(0, 3))
    def forget(self, person):
        self.act(lambda s: forget_author(s, self.people[person]))

    @rule(review=reviews, rating=STARS)
    def edit_and_fail(self, review, rating):
        key, id, author = review

        def edit_then_refuse(session):
            reviews.update_review(session, key, id, author, {"rating": rating}, self.config)
            raise NexusError("rolled back")

        self.act(edit_then_refuse)

    @invariant()
    def the_ratings_are_those_of_the_published_reviews(self):
        mine = set(self.products)
        expected, found = recomputed(self.app), kept(self.app)
        assert {id: found[id] for id in mine} == {id: expected[id] for id in mine}

    @invariant()
    def nobody_has_two_reviews_of_a_product(self):
        twice = select(Review.product_id).where(Review.author_id.is_not(None))
        twice = twice.group_by(Review.product_id, Review.author_id).having(func.count() > 1)
        with self.app.app_context(), reading() as session:
            assert session.execute(twice).all() == []


@pytest.mark.proof
@pytest.mark.parametrize("moderation", ["after", "before"])
def test_whatever_people_do_the_ratings_fit(app, sell, moderation):
    class Machine(Reviewing):
        pass

    Machine.app, Machine.moderation, Machine.sell = app, moderation, staticmethod(sell)
    case = Machine.TestCase
    case.settings = settings(
        max_examples=rounds(20, 200),
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()
