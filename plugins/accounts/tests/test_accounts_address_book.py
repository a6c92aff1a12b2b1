"""The address book: one's own, bounded, with one default however many switch it at once."""

import pytest
from nexus_accounts.models import SavedAddress
from nexus_accounts.services.address_book import MOST_ADDRESSES
from sqlalchemy import func, insert, select

from nexus_kernel import new_id, reading, services, transaction
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.testing import auth_headers, count_queries, in_threads

BOOK = "/api/accounts/addresses/"
HOME = {
    "label": "ቤት",
    "recipient": "Abebe Bikila",
    "phone": "+251 911 234567",
    "address_line": "ቦሌ መንገድ 7",
    "city": "Addis Ababa",
    "region": "Bole",
    "postal_code": "1000",
    "country": "ET",
}
LEAST = {"address_line": "Unter den Linden 1", "city": "Berlin", "country": "DE"}


@pytest.fixture
def owner(person):
    return person()


@pytest.fixture
def headers(app, owner):
    return auth_headers(app, person_id=owner)


@pytest.fixture
def add(client, headers):
    def post(**fields):
        return client.post(BOOK, json={**LEAST, **fields}, headers=headers)

    return post


@pytest.fixture
def book(client, headers):
    return lambda: client.get(BOOK, headers=headers).json["results"]


def url(address) -> str:
    return f"{BOOK}{address['id']}/"


def test_an_address_is_kept_as_it_was_sent(client, headers, book):
    reply = client.post(BOOK, json=HOME, headers=headers)
    assert reply.status_code == 201 and reply.headers["Location"] == url(reply.json)
    assert HOME.items() <= reply.json.items()
    assert client.get(url(reply.json), headers=headers).json == reply.json
    assert book() == [reply.json]


def test_the_least_is_a_line_a_city_and_a_country(add):
    reply = add()
    assert reply.status_code == 201
    assert {reply.json[name] for name in ("label", "recipient", "phone", "region", "postal_code")} == {""}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"country": "XX"}, "country"),
        ({"country": "et"}, "country"),
        ({"country": None}, "country"),
        ({"city": "  "}, "city"),
        ({"city": "x" * 101}, "city"),
        ({"address_line": "two\nlines"}, "address_line"),
        ({"phone": "call me"}, "phone"),
        ({"is_default": None}, "is_default"),
        ({"label": "x" * 51}, "label"),
        ({"user_id": str(new_id())}, "user_id"),
        ({"id": str(new_id())}, "id"),
    ],
)
def test_a_bad_address_is_refused_by_every_verb_and_nothing_is_stored(
    client, headers, add, book, fields, path
):
    kept = add().json
    body = {**LEAST, **fields}
    for verb, where in (("POST", BOOK), ("PUT", url(kept)), ("PATCH", url(kept))):
        refused = client.open(where, method=verb, json=body, headers=headers)
        assert refused.status_code == 422, (verb, refused.text)
        assert [error["path"] for error in refused.json["errors"]] == [path]
    assert book() == [kept]


@pytest.mark.parametrize("missing", ["address_line", "city", "country"])
def test_put_writes_it_anew_and_patch_changes_what_it_names(client, headers, missing):
    made = client.post(BOOK, json=HOME, headers=headers).json
    patched = client.patch(url(made), json={"city": "Adama", "phone": ""}, headers=headers).json
    assert (patched["city"], patched["phone"], patched["label"]) == ("Adama", "", "ቤት")
    assert client.patch(url(made), json={}, headers=headers).json["city"] == "Adama"
    replaced = client.put(url(made), json=LEAST, headers=headers).json
    assert (replaced["city"], replaced["label"], replaced["is_default"]) == ("Berlin", "", False)
    whole = {name: value for name, value in LEAST.items() if name != missing}
    assert client.put(url(made), json=whole, headers=headers).status_code == 422


def test_the_first_is_the_default_and_the_list_begins_with_it(client, headers, add, book):
    first, second, third = (add(label=label).json for label in "abc")
    assert [first["is_default"], second["is_default"], third["is_default"]] == [True, False, False]
    assert [row["label"] for row in book()] == ["a", "c", "b"]
    assert client.patch(url(second), json={"is_default": True}, headers=headers).json["is_default"]
    assert [(row["label"], row["is_default"]) for row in book()] == [("b", True), ("c", False), ("a", False)]
    assert add(label="d", is_default=True).json["is_default"]
    assert [row["label"] for row in book() if row["is_default"]] == ["d"]
    client.patch(url(book()[0]), json={"is_default": False}, headers=headers)
    assert not any(row["is_default"] for row in book())


def test_without_the_default_nothing_else_becomes_it(client, headers, add, book):
    first, second = add().json, add().json
    assert client.delete(url(first), headers=headers).status_code == 204
    assert client.delete(url(first), headers=headers).status_code == 404
    assert [(row["id"], row["is_default"]) for row in book()] == [(second["id"], False)]


def test_pages_go_through_the_default_and_the_rest(client, headers, add):
    made = {add(label=str(number)).json["id"] for number in range(5)}
    seen, link = [], f"{BOOK}?page_size=2"
    while link:
        page = client.get(link, headers=headers).json
        seen += [row["id"] for row in page["results"]]
        link = page["next"]
    assert len(seen) == 5 and set(seen) == made


def test_a_strangers_address_is_not_found(app, client, person, add):
    made = add().json
    for roles in ((), ("staff",), ("admin",)):
        stranger = auth_headers(app, *roles, person_id=person(f"other{len(roles)}{roles}@example.com"))
        assert client.get(BOOK, headers=stranger).json["results"] == []
        for verb, body in (("GET", None), ("PATCH", {}), ("PUT", LEAST), ("DELETE", None)):
            reply = client.open(url(made), method=verb, json=body, headers=stranger)
            assert reply.status_code == 404, (roles, verb)


def test_somebody_whose_account_is_closed_writes_nothing(app, client, headers, add, change, owner):
    made = add().json
    change(owner, is_active=False)
    assert add().status_code == 401
    assert client.delete(url(made), headers=headers).status_code == 401


def test_two_who_switch_the_default_at_once_leave_one(app, headers, add, book):
    made = [add().json for _ in range(6)]
    calls = [
        lambda one=one: app.test_client().patch(url(one), json={"is_default": True}, headers=headers)
        for one in made
    ]
    assert {reply.status_code for reply in in_threads(calls)} == {200}
    assert sum(row["is_default"] for row in book()) == 1


def test_first_addresses_at_once_have_one_default(app, headers, book):
    calls = [lambda: app.test_client().post(BOOK, json=LEAST, headers=headers)] * 6
    assert {reply.status_code for reply in in_threads(calls)} == {201}
    assert sum(row["is_default"] for row in book()) == 1


def test_a_person_has_fifty_at_most_however_many_are_sent_at_once(app, headers, owner, add):
    rows = [{**LEAST, "user_id": owner} for _ in range(MOST_ADDRESSES - 2)]
    with app.app_context(), transaction() as session:
        session.execute(insert(SavedAddress), rows)
    calls = [lambda: app.test_client().post(BOOK, json=LEAST, headers=headers)] * 5
    replies = in_threads(calls)
    assert sorted(reply.status_code for reply in replies) == [201, 201, 409, 409, 409]
    assert add().json["code"] == "accounts.too_many_addresses"
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).select_from(SavedAddress)) == MOST_ADDRESSES


def test_a_read_takes_one_query_and_a_write_a_constant_number(app, client, headers, add):
    for _ in range(20):
        made = add().json
    counted = []
    for verb, where, body in (
        ("GET", BOOK, None),
        ("GET", url(made), None),
        ("POST", BOOK, LEAST),
        ("PATCH", url(made), {"is_default": True}),
        ("DELETE", url(made), None),
    ):
        with count_queries(app) as queries:
            client.open(where, method=verb, json=body, headers=headers)
        counted.append(len(queries))
    assert counted == [1, 1, 5, 6, 5]


def test_other_plugins_get_an_address_of_its_owner_alone(app, client, headers, owner, person):
    made, stranger = client.post(BOOK, json=HOME, headers=headers).json, person("other@example.com")
    with app.app_context(), reading(), count_queries(app) as queries:
        people = services.get(AccountService)
        address = people.get_address(owner, made["id"])
        assert people.get_address(stranger, made["id"]) is None
        assert people.get_address(owner, new_id()) is None
    fields = {name: value for name, value in HOME.items() if name != "label"}
    assert address == Address(**fields)
    assert len(queries) == 3, str(queries)


def test_people_are_found_by_their_address_in_any_case(app, person, change):
    abebe, erased = person("Abebe@Example.com"), person("gone@example.com")
    change(erased, is_active=False, erased_at="2026-01-01T00:00:00Z")
    with app.app_context(), reading():
        people = services.get(AccountService)
        with count_queries(app) as queries:
            assert people.find_person("aBEBE@example.COM").id == abebe
        assert len(queries) == 1, str(queries)
        for unknown in ("gone@example.com", "abebe", "", "%", "abebe@example.com ", "nobody@example.com"):
            assert people.find_person(unknown) is None, unknown


def test_the_book_is_exported_and_erased_with_its_owner(app, client, headers, owner, password):
    client.post(BOOK, json=HOME, headers=headers)
    section = client.get("/api/accounts/me/export/", headers=headers).json["sections"]["accounts"]
    (told,) = section["addresses"]
    assert HOME.items() <= told.items()
    gone = client.delete("/api/auth/users/me/", json={"current_password": password}, headers=headers)
    assert gone.status_code == 204
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).select_from(SavedAddress)) == 0
