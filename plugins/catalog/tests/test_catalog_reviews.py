"""Reviews over HTTP: who writes and sees what, what is refused, and that one person has one voice."""

import pytest
from nexus_catalog.models import Review
from sqlalchemy import func, select

from nexus_kernel import new_id, reading
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, count_queries, in_threads

PRODUCTS = "/api/catalog/products/"
URL = f"{PRODUCTS}lantern/reviews/"
NOBODY = "0192f0c4-7d3e-7a51-9c1e-000000000000"


@pytest.fixture
def author(app):
    """The header of somebody who writes."""
    return auth_headers(app)


def count(app) -> int:
    with app.app_context(), reading() as session:
        return session.scalar(select(func.count()).select_from(Review))


def product_events(app) -> int:
    changed = select(func.count()).where(OutboxEvent.name == "catalog.products_changed")
    with app.app_context(), reading() as session:
        return session.scalar(changed)


def bodies(client, query: str = "", url: str = URL, headers=None) -> list[str]:
    answer = client.get(f"{url}?{query}", headers=headers)
    assert answer.status_code == 200, answer.json
    return [row["body"] for row in answer.json["results"]]


def test_a_review_is_published_and_counts(client, sell, review, author):
    lantern = sell()
    answer = review(rating=4, title="Bright", body="Burns all night.\nSmells of resin.", headers=author)
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == f"{PRODUCTS}{lantern.product_id}/reviews/{made['id']}/"
    assert client.get(answer.headers["Location"]).json == made
    assert made | {"id": 0, "created_at": 0, "updated_at": 0} == {
        "id": 0,
        "product_id": str(lantern.product_id),
        "rating": 4,
        "title": "Bright",
        "body": "Burns all night.\nSmells of resin.",
        "author_name": None,
        "is_verified_purchase": False,
        "state": "published",
        "moderation_reason": None,
        "created_at": 0,
        "updated_at": 0,
    }
    page = client.get(URL).json
    assert (page["results"], page["count"], page["own"]) == ([made], 1, None)
    product = client.get(f"{PRODUCTS}lantern/").json
    assert (product["rating_average"], product["rating_count"]) == (4.0, 1)


def test_the_list_says_what_the_reviews_sum_up_to(client, sell, review):
    sell()
    assert client.get(URL).json["rating_average"] is None
    for rating in (5, 5, 4, 1):
        review(rating=rating)
    page = client.get(f"{URL}?rating=4").json
    assert (page["count"], page["rating_average"], page["rating_count"]) == (1, 3.75, 4)
    assert page["rating_distribution"] == {"1": 1, "2": 0, "3": 0, "4": 1, "5": 2}


def test_the_list_is_sorted_and_filtered(client, sell, review):
    sell()
    for body, rating in (("a", 3), ("b", 5), ("c", 1), ("d", 5)):
        assert review(rating=rating, body=body).status_code == 201
    assert bodies(client) == bodies(client, "sort=-created_at") == ["d", "c", "b", "a"]
    assert bodies(client, "sort=rating") == ["c", "a", "b", "d"]
    assert bodies(client, "sort=-rating") == ["d", "b", "a", "c"]
    assert bodies(client, "rating=5") == ["d", "b"]
    assert bodies(client, "verified=1") == [] and len(bodies(client, "verified=0")) == 4


@pytest.mark.parametrize("sort", ["-created_at", "rating", "-rating"])
def test_following_the_links_shows_each_review_once(client, sell, review, sort):
    sell()
    for number in range(7):
        review(rating=number % 3 + 1, body=str(number))
    seen, link = [], f"{URL}?sort={sort}&page_size=2"
    while link:
        page = client.get(link).json
        seen += [row["body"] for row in page["results"]]
        link = page["next"]
    assert sorted(seen) == [str(number) for number in range(7)]
    assert seen == bodies(client, f"sort={sort}&page_size=100")


@pytest.mark.parametrize(
    "query", ["rating=0", "rating=6", "rating=x", "sort=helpful", "sort=--rating", "verified=2", "page=0",
              "page_size=101", "cursor=%00", "cursor=WyJ4Il0"],
)  # fmt: skip
def test_a_bad_parameter_is_422_and_named(client, sell, query):
    sell()
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == 422
    assert [error["path"] for error in answer.json["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("key", ["nothing", NOBODY, "%00", "%ED%A0%80", "a" * 300])
def test_a_product_that_is_not_there_has_no_reviews(app, client, author, key):
    url = f"{PRODUCTS}{key}/reviews/"
    for answer in (client.get(url), client.post(url, json={"rating": 5}, headers=author)):
        assert (answer.status_code, answer.json["code"]) == (404, "catalog.product_not_found")
    answer = client.get(f"{url}{NOBODY}/")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_a_retired_product_takes_its_reviews_along(client, sell, review, author, staff):
    sell()
    made = review(headers=author).json
    client.delete(f"{PRODUCTS}lantern/", headers=staff)
    one = f"{URL}{made['id']}/"
    assert [client.get(URL).status_code, client.get(one).status_code] == [404, 404]
    assert client.patch(one, json={"rating": 1}, headers=author).status_code == 404
    assert review().status_code == 404


def test_a_review_belongs_to_its_product(client, sell, review, author):
    sell(), sell("Basket")
    made = review(headers=author).json
    other = f"{PRODUCTS}basket/reviews/{made['id']}/"
    assert client.get(other).status_code == 404
    assert client.put(other, json={"rating": 1}, headers=author).status_code == 404
    assert client.delete(other, headers=author).status_code == 404
    assert client.get(f"{URL}{made['id']}/").json == made


def test_a_second_review_is_409_and_leaves_the_first(client, sell, review, author):
    sell()
    review(rating=2, body="first", headers=author)
    answer = review(rating=5, body="second", headers=author)
    assert (answer.status_code, answer.json["code"]) == (409, "catalog.already_reviewed")
    assert bodies(client) == ["first"] and client.get(URL).json["rating_average"] == 2.0


def test_of_twenty_at_once_by_one_person_exactly_one_is_stored(app, client, sell, review, author):
    sell()
    answers = in_threads([lambda: review(rating=3, headers=author)] * 20)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert count(app) == 1
    page = client.get(URL).json
    assert (page["rating_count"], page["rating_average"]) == (1, 3.0)


def test_a_seller_does_not_review_their_own_product(app, sell, review):
    seller = new_id()
    sell(seller_id=seller)
    answer = review(headers=auth_headers(app, "seller", person_id=seller))
    assert (answer.status_code, answer.json["code"]) == (403, "catalog.own_product")
    assert review(headers=auth_headers(app, "seller")).status_code == 201 and count(app) == 1


def test_nobody_reviews_without_signing_in(app, client, sell, review, author):
    sell()
    made = review(headers=author).json
    for method in (client.patch, client.put, client.delete):
        assert method(f"{URL}{made['id']}/", json={"rating": 1}).status_code == 401
    assert client.post(URL, json={"rating": 1}).status_code == 401
    assert bodies(client) == [""] and count(app) == 1


def test_a_token_that_does_not_hold_is_401_where_it_matters_whose_it_is(client, sell):
    sell()
    assert client.get(URL, headers={"Authorization": "Bearer x"}).status_code == 401


def test_an_author_changes_their_review(app, client, sell, review, author):
    sell()
    made = review(rating=2, title="Dim", body="Goes out.", headers=author).json
    url = f"{URL}{made['id']}/"
    patched = client.patch(url, json={"rating": 5}, headers=author).json
    assert patched == made | {"rating": 5, "updated_at": patched["updated_at"]}
    assert patched["updated_at"] > made["updated_at"]
    replaced = client.put(url, json={"rating": 4, "body": "It was the wick."}, headers=author).json
    assert (replaced["title"], replaced["body"]) == ("", "It was the wick.")
    assert client.get(url).json == replaced
    product = client.get(f"{PRODUCTS}lantern/").json
    assert (product["rating_average"], product["rating_count"]) == (4.0, 1)


def test_a_review_leaves_the_date_of_its_product_alone(client, sell, review):
    sell()
    before = client.get(f"{PRODUCTS}lantern/").json["updated_at"]
    review()
    assert client.get(f"{PRODUCTS}lantern/").json["updated_at"] == before


def test_others_hear_of_a_product_when_its_ratings_change_and_only_then(app, client, sell, review, author):
    sell()
    made = review(rating=3, headers=author).json
    url, heard = f"{URL}{made['id']}/", [product_events(app)]
    for change in ({"rating": 3}, {"body": "More words."}, {}, {"rating": 4}):
        assert client.patch(url, json=change, headers=author).status_code == 200
        heard.append(product_events(app))
    client.delete(url, headers=author)
    assert [*heard, product_events(app)] == [2, 2, 2, 2, 3, 4]


def test_a_stranger_changes_nothing_and_gets_404(app, client, sell, review, author):
    sell()
    made = review(headers=author).json
    url, stranger = f"{URL}{made['id']}/", auth_headers(app)
    answers = [
        client.patch(url, json={"rating": 1}, headers=stranger),
        client.put(url, json={"rating": 1}, headers=stranger),
        client.put(url, json={"rating": 1}, headers=auth_headers(app, "staff")),
        client.delete(url, headers=stranger),
    ]
    assert {(a.status_code, a.json["code"]) for a in answers} == {(404, "catalog.review_not_found")}
    assert client.get(url).json == made


def test_deleting_happens_once_and_takes_the_stars_away(app, client, sell, review, author, staff):
    sell()
    mine, other = review(rating=1, headers=author).json, review(rating=5).json
    answers = in_threads([lambda: app.test_client().delete(f"{URL}{mine['id']}/", headers=author)] * 6)
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 5
    assert client.get(URL).json["rating_average"] == 5.0
    assert client.delete(f"{URL}{other['id']}/", headers=staff).status_code == 204
    page = client.get(URL).json
    assert (page["rating_count"], page["rating_average"], count(app)) == (0, None, 0)
    assert review(headers=author).status_code == 201


def test_an_edit_and_a_deletion_at_once_leave_nothing_behind(app, client, sell, review, author):
    sell()
    made = review(rating=1, headers=author).json
    url = f"{URL}{made['id']}/"
    edits = [lambda n=n: app.test_client().patch(url, json={"rating": n}, headers=author) for n in (2, 3, 4)]
    answers = in_threads([*edits, lambda: app.test_client().delete(url, headers=author)])
    assert answers[-1].status_code == 204 and {a.status_code for a in answers[:3]} <= {200, 404}
    page = client.get(URL).json
    assert (page["rating_count"], set(page["rating_distribution"].values())) == (0, {0})


def test_the_own_review_stands_beside_the_page(client, sell, review, author):
    sell()
    made = review(headers=author).json
    assert client.get(URL, headers=author).json["own"] == made
    assert client.get(f"{URL}?rating=1", headers=author).json["own"] == made


def test_text_that_looks_like_html_comes_back_as_it_was_sent_and_is_never_a_page(client, sell, review):
    sell()
    script = '<script>alert(1)</script> & <b>"bold"</b> <img src=x onerror=alert(1)>'
    made = review(title=script, body=script).json
    for answer in (client.get(URL), client.get(f"{URL}{made['id']}/")):
        assert answer.content_type == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        shown = answer.json["results"][0] if "results" in answer.json else answer.json
        assert (shown["title"], shown["body"]) == (script, script)


def test_reading_takes_a_constant_number_of_queries(app, client, sell, review, author):
    def queries_of(url, **options) -> int:
        with count_queries(app) as queries:
            assert client.get(url, **options).status_code == 200
        return len(queries)

    sell()
    made = review(headers=author).json
    one = [queries_of(URL), queries_of(URL, headers=author), queries_of(f"{URL}{made['id']}/")]
    for _ in range(25):
        review()
    many = [queries_of(URL), queries_of(URL, headers=author), queries_of(f"{URL}{made['id']}/")]
    assert one == many == [2, 3, 1]


def test_writing_takes_a_constant_number_of_statements(app, client, sell, review, author):
    sell()
    with count_queries(app) as queries:
        made = review(rating=1, headers=author).json
    assert len(queries) == 7, str(queries)
    with count_queries(app) as queries:
        client.patch(f"{URL}{made['id']}/", json={"rating": 2}, headers=author)
    assert len(queries) == 5, str(queries)


def test_reviews_have_an_etag_that_changes_with_them_and_ones_own_are_never_stored(
    client, sell, review, author
):
    sell()
    review(headers=author)
    url = "/api/catalog/products/lantern/reviews/"
    first = client.get(url)
    known = {"If-None-Match": first.headers["ETag"]}
    assert client.get(url, headers=known).status_code == 304
    own = client.get(url, headers=known | author)
    assert (own.status_code, own.headers["Cache-Control"]) == (200, "no-store"), "it has their own beside it"
    assert client.get(f"{url}{own.json['own']['id']}/").headers["ETag"]
    review(rating=1)
    assert client.get(url, headers=known).status_code == 200
