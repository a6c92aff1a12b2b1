"""Moderation: who sees what before and after a decision, and that a decision is made once."""

import pytest
from nexus_catalog.models import Review
from sqlalchemy import select

from nexus_kernel import new_id, reading
from nexus_kernel.testing import auth_headers, count_queries, in_threads

PRODUCT = "/api/catalog/products/lantern/"
URL = f"{PRODUCT}reviews/"
QUEUE = "/api/catalog/reviews/"
NOBODY = "0192f0c4-7d3e-7a51-9c1e-000000000000"


@pytest.fixture
def nexus_config():
    return {"catalog": {"review_moderation": "before"}}


@pytest.fixture
def author(app):
    return auth_headers(app)


@pytest.fixture
def decide(client, staff):
    """Approves or hides as staff."""

    def decide(decision, review_id, headers=staff, **body):
        return client.post(f"{QUEUE}{review_id}/{decision}/", json=body, headers=headers)

    return decide


def ratings(client) -> tuple[int, float | None]:
    product = client.get(PRODUCT).json
    return product["rating_count"], product["rating_average"]


def test_a_review_waits_seen_by_its_author_and_staff_alone(app, client, sell, review, author, staff):
    sell()
    answer = review(rating=4, headers=author)
    assert (answer.status_code, answer.json["state"]) == (201, "pending")
    url = answer.headers["Location"]
    page = client.get(URL, headers=author).json
    assert (page["results"], page["count"], page["own"]) == ([], 0, answer.json)
    assert client.get(url, headers=author).json == client.get(url, headers=staff).json == answer.json
    assert client.get(url).status_code == 404
    assert client.get(url, headers=auth_headers(app)).status_code == 404
    assert client.delete(url, headers=auth_headers(app)).status_code == 404
    assert ratings(client) == (0, None)


def test_an_approved_review_is_published_counted_and_says_who_approved_it(app, client, sell, review, decide):
    sell()
    made, person = review(rating=4).json, new_id()
    answer = decide("approve", made["id"], headers=auth_headers(app, "staff", person_id=person))
    assert (answer.status_code, answer.json["state"]) == (200, "published")
    assert answer.json["moderated_by"] == str(person) and answer.json["moderated_at"]
    assert [row["id"] for row in client.get(URL).json["results"]] == [made["id"]]
    assert "moderated_by" not in client.get(URL).json["results"][0]
    assert ratings(client) == (1, 4.0)


def test_a_hidden_review_is_out_of_sight_and_tells_its_author_why(client, sell, review, decide, author):
    sell()
    made = review(headers=author).json
    decide("approve", made["id"])
    assert decide("hide", made["id"], reason="Names a person.").status_code == 200
    own = client.get(f"{URL}{made['id']}/", headers=author).json
    assert (own["state"], own["moderation_reason"]) == ("hidden", "Names a person.")
    assert client.get(f"{URL}{made['id']}/").status_code == 404
    assert client.get(URL).json["count"] == 0 and ratings(client) == (0, None)


@pytest.mark.parametrize("decision", ["approve", "hide"])
def test_a_decision_made_again_keeps_the_first(app, client, sell, review, decide, decision):
    sell()
    made = review().json
    first = decide(decision, made["id"], reason="First.")
    again = decide(decision, made["id"], headers=auth_headers(app, "staff"), reason="Second.")
    assert (first.status_code, again.status_code) == (200, 200) and again.json == first.json
    assert first.json["moderation_reason"] == "First."


def test_decisions_at_once_are_all_answered_and_the_ratings_fit_the_last(app, client, sell, review, staff):
    sell()
    made = review(rating=2).json
    decisions = ("approve", "hide") * 8
    answers = in_threads(
        [
            lambda d=d: app.test_client().post(
                f"{QUEUE}{made['id']}/{d}/", json={"reason": "So."}, headers=staff
            )
            for d in decisions
        ]
    )
    assert {answer.status_code for answer in answers} == {200}
    state = client.get(f"{URL}{made['id']}/", headers=staff).json["state"]
    assert ratings(client) == ((1, 2.0) if state == "published" else (0, None))


def test_an_edit_of_a_published_review_waits_again(client, sell, review, decide, author):
    sell()
    made = review(rating=5, headers=author).json
    url = f"{URL}{made['id']}/"
    decide("approve", made["id"])
    assert client.patch(url, json={"rating": 5}, headers=author).json["state"] == "published"
    edited = client.patch(url, json={"body": "Buy my own lanterns instead."}, headers=author).json
    assert (edited["state"], ratings(client)) == ("pending", (0, None))
    assert client.get(url).status_code == 404
    decide("approve", made["id"])
    assert ratings(client) == (1, 5.0)


def test_a_hidden_review_can_be_edited_and_then_waits_but_not_deleted(client, sell, review, decide, author):
    sell()
    made = review(headers=author).json
    url = f"{URL}{made['id']}/"
    decide("hide", made["id"], reason="Rude.")
    answer = client.delete(url, headers=author)
    assert (answer.status_code, answer.json["code"]) == (409, "catalog.review_hidden")
    assert review(headers=author).status_code == 409
    edited = client.put(url, json={"rating": 2, "body": "Dim."}, headers=author).json
    assert (edited["state"], edited["moderation_reason"]) == ("pending", None)


def test_staff_delete_what_is_hidden(client, sell, review, decide, staff):
    sell()
    made = review().json
    decide("hide", made["id"], reason="Spam.")
    assert client.delete(f"{URL}{made['id']}/", headers=staff).status_code == 204
    assert client.get(QUEUE, headers=staff).json["count"] == 0


def test_staff_list_reviews_by_state_product_and_rating(client, sell, review, decide, staff):
    lantern, _ = sell(), sell("Basket")
    first, second = review(rating=1).json, review(rating=5).json
    third = review("basket", rating=1).json
    decide("approve", second["id"])
    decide("hide", third["id"], reason="Spam.")

    def ids(query: str = "") -> list[str]:
        return [row["id"] for row in client.get(f"{QUEUE}?{query}", headers=staff).json["results"]]

    assert ids() == [third["id"], second["id"], first["id"]]
    assert ids("state=pending") == [first["id"]] and ids("state=hidden") == [third["id"]]
    assert ids("product=lantern") == ids(f"product={lantern.product_id}") == [second["id"], first["id"]]
    assert ids("rating=1&product=basket") == [third["id"]] and ids("product=nothing") == []
    assert ids("rating=1&state=published") == []


def test_staff_see_who_wrote(app, client, sell, review, staff):
    sell()
    person = new_id()
    review(headers=auth_headers(app, person_id=person))
    assert client.get(QUEUE, headers=staff).json["results"][0]["author_id"] == str(person)


@pytest.mark.parametrize("query", ["state=gone", "rating=9", "product=", "product=%00", "page=0"])
def test_a_bad_parameter_is_refused(client, staff, query):
    assert client.get(f"{QUEUE}?{query}", headers=staff).status_code in (404, 422)


@pytest.mark.parametrize(("roles", "status"), [(None, 401), ((), 403), (("seller",), 403)])
def test_others_do_not_moderate(app, client, sell, review, roles, status):
    sell()
    made = review().json
    headers = {} if roles is None else auth_headers(app, *roles)
    assert client.get(QUEUE, headers=headers).status_code == status
    for decision in ("approve", "hide"):
        answer = client.post(f"{QUEUE}{made['id']}/{decision}/", json={"reason": "So."}, headers=headers)
        assert answer.status_code == status
    with app.app_context(), reading() as session:
        assert session.scalar(select(Review.state)) == "pending"


BAD_REASONS = ("", " ", "x" * 501, None, "a\x00", "two\nlines", ["Spam."])


@pytest.mark.parametrize(
    "body", [{}, {"why": "so", "reason": "So."}, *({"reason": reason} for reason in BAD_REASONS)]
)
def test_hiding_takes_a_reason(client, sell, review, decide, staff, body):
    sell()
    made = review().json
    answer = decide("hide", made["id"], **body)
    assert answer.status_code == 422
    assert [e["path"] for e in answer.json["errors"]] == ["why" if "why" in body else "reason"]
    assert client.get(f"{URL}{made['id']}/", headers=staff).json["state"] == "pending"


def test_a_review_that_is_not_there_is_404(decide):
    for decision in ("approve", "hide"):
        for id in (NOBODY, "x"):
            assert decide(decision, id, reason="So.").status_code == 404


def test_the_list_takes_one_query(app, client, sell, review, staff):
    sell()
    for _ in range(3):
        review()
    with count_queries(app) as queries:
        client.get(f"{QUEUE}?product=lantern&state=pending", headers=staff)
    assert len(queries) == 1, str(queries)
