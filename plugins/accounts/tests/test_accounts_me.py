"""One's own account, and what staff see."""

import pytest

from nexus_kernel.testing import auth_headers, count_queries, in_threads

ME = "/api/auth/users/me/"
PROFILE = "/api/accounts/profiles/me/"
USERS = "/api/auth/users/"


@pytest.fixture
def abebe(app, person):
    return auth_headers(app, person_id=person())


def test_me_shows_the_account_with_roles_and_profile(app, client, person):
    user_id = person(roles=["seller"])
    reply = client.get(ME, headers=auth_headers(app, person_id=user_id))
    assert reply.status_code == 200
    assert reply.json == {
        "id": str(user_id),
        "email": "abebe@example.com",
        "username": None,
        "first_name": "",
        "last_name": "",
        "roles": ["seller"],
        "is_seller": True,
        "profile": {"phone": "", "bio": "", "avatar": None},
    }


def test_me_takes_one_query(app, client, abebe):
    with count_queries(app) as queries:
        assert client.get(ME, headers=abebe).status_code == 200
    assert len(queries) == 1, str(queries)


def test_a_person_changes_names_username_and_profile(client, abebe):
    changes = {
        "username": "አበበ.1",
        "first_name": "Abebe",
        "last_name": "Bikila",
        "profile": {"phone": "+251 911 234567"},
    }
    reply = client.patch(ME, json=changes, headers=abebe)
    assert reply.status_code == 200
    assert {name: reply.json[name] for name in ("username", "first_name", "last_name")} == {
        name: changes[name] for name in ("username", "first_name", "last_name")
    }
    assert reply.json["profile"] == {"phone": "+251 911 234567", "bio": "", "avatar": None}
    assert client.get(ME, headers=abebe).json == reply.json


def test_an_empty_change_changes_nothing(client, abebe):
    before = client.get(ME, headers=abebe).json
    reply = client.patch(ME, json={}, headers=abebe)
    assert (reply.status_code, reply.json) == (200, before)


def test_a_username_can_be_given_up(client, abebe):
    client.patch(ME, json={"username": "abebe"}, headers=abebe)
    reply = client.patch(ME, json={"username": None}, headers=abebe)
    assert (reply.status_code, reply.json["username"]) == (200, None)


@pytest.mark.parametrize(
    "change",
    [
        {"roles": ["admin"]},
        {"is_seller": True},
        {"email": "other@example.com"},
        {"id": "019aaaaa-0000-7000-8000-000000000000"},
        {"email_verified_at": None},
        {"password": "another-long-secret"},
        {"is_active": False},
        {"token_version": 9},
    ],
)
def test_nobody_promotes_themselves(client, abebe, change):
    before = client.get(ME, headers=abebe).json
    reply = client.patch(ME, json={"first_name": "X", **change}, headers=abebe)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, next(iter(change)))
    assert client.get(ME, headers=abebe).json == before


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("username", {"username": ""}),
        ("first_name", {"first_name": None}),
        ("profile.phone", {"profile": {"phone": "call me"}}),
        ("profile.bio", {"profile": {"bio": "x" * 2001}}),
        ("profile.avatar", {"profile": {"avatar": "x"}}),
        ("profile.user_id", {"profile": {"user_id": "019aaaaa-0000-7000-8000-000000000000"}}),
        ("profile", {"profile": None}),
        ("profile", {"profile": []}),
        ("last_name", {"last_name": "a\x00"}),
    ],
)
def test_a_bad_change_is_named(client, abebe, path, change):
    reply = client.patch(ME, json=change, headers=abebe)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, path)


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"null", b"{", b"", b"NaN", b'{"a": 1e999}'])
@pytest.mark.parametrize("url", [ME, PROFILE])
def test_a_change_that_is_no_object_is_a_problem(client, abebe, url, body):
    reply = client.patch(url, data=body, content_type="application/json", headers=abebe)
    assert reply.status_code in (400, 422)


@pytest.mark.parametrize("url", [ME, PROFILE])
def test_a_form_encoded_change_is_refused(client, abebe, url):
    assert client.patch(url, data={"first_name": "X"}, headers=abebe).status_code == 415


def test_a_taken_username_is_refused_whatever_its_case(app, client, person, abebe):
    client.patch(ME, json={"username": "Abebe"}, headers=abebe)
    other = auth_headers(app, person_id=person("other@example.com"))
    reply = client.patch(ME, json={"username": "aBEBE", "first_name": "X"}, headers=other)
    assert (reply.status_code, reply.json["code"]) == (422, "accounts.username_taken")
    assert client.get(ME, headers=other).json["first_name"] == ""
    assert client.patch(ME, json={"username": "ABEBE"}, headers=abebe).json["username"] == "ABEBE"


def test_a_username_that_many_want_at_once_goes_to_one(app, person):
    wanting = [auth_headers(app, person_id=person(f"p{number}@example.com")) for number in range(6)]
    calls = [lambda h=h: app.test_client().patch(ME, json={"username": "abebe"}, headers=h) for h in wanting]
    assert sorted(r.status_code for r in in_threads(calls)) == [200] + [422] * 5


def test_changes_of_different_fields_at_once_are_all_kept(app, client, abebe):
    changes = [{"first_name": "Abebe"}, {"last_name": "Bikila"}, {"profile": {"bio": "Runs"}}]
    in_threads([lambda c=c: app.test_client().patch(ME, json=c, headers=abebe) for c in changes])
    after = client.get(ME, headers=abebe).json
    assert (after["first_name"], after["last_name"], after["profile"]["bio"]) == ("Abebe", "Bikila", "Runs")


def test_the_profile_is_read_and_changed(client, abebe):
    assert client.get(PROFILE, headers=abebe).json == {"phone": "", "bio": "", "avatar": None}
    reply = client.patch(PROFILE, json={"bio": "Runs barefoot"}, headers=abebe)
    assert (reply.status_code, reply.json) == (200, {"phone": "", "bio": "Runs barefoot", "avatar": None})
    assert client.patch(PROFILE, json={}, headers=abebe).json == reply.json


def test_a_closed_account_sees_nothing_with_a_token_of_before(app, client, person, change):
    user_id = person()
    headers = auth_headers(app, person_id=user_id)
    change(user_id, is_active=False)
    for method, url in (("GET", ME), ("PATCH", ME), ("GET", PROFILE), ("PATCH", PROFILE)):
        reply = client.open(url, method=method, json={} if method == "PATCH" else None, headers=headers)
        assert (reply.status_code, reply.json["code"]) == (401, "accounts.closed")


@pytest.mark.parametrize(("method", "url"), [("GET", ME), ("PATCH", ME), ("GET", PROFILE), ("GET", USERS)])
def test_strangers_have_to_sign_in(client, method, url):
    assert client.open(url, method=method, json={}).status_code == 401


@pytest.mark.parametrize(
    ("verb", "url"), [("PUT", ME), ("POST", ME), ("PUT", PROFILE), ("POST", PROFILE), ("DELETE", PROFILE)]
)
def test_no_other_verb_is_open(client, abebe, verb, url):
    assert client.open(url, method=verb, json={}, headers=abebe).status_code == 405


def test_only_staff_and_admins_see_people(app, client, person):
    user_id = person()
    for url in (USERS, f"{USERS}{user_id}/"):
        assert client.get(url, headers=auth_headers(app, person_id=user_id)).status_code == 403
        assert client.get(url, headers=auth_headers(app, "seller")).status_code == 403
        assert client.get(url, headers=auth_headers(app, "staff")).status_code == 200
        assert client.get(url, headers=auth_headers(app, "admin")).status_code == 200


def test_staff_page_through_people_without_the_erased_in_one_query(app, client, person, change):
    ids = [person(f"p{number}@example.com") for number in range(5)]
    change(ids[0], is_active=False, erased_at=None)
    erased = person("erased@example.com", is_active=False)
    change(erased, erased_at="2026-01-01T00:00:00+00:00")
    staff, seen, url = auth_headers(app, "staff"), [], f"{USERS}?page_size=2"
    while url:
        with count_queries(app) as queries:
            page = client.get(url, headers=staff).json
        assert len(queries) == 1, str(queries)
        assert page["count"] == 5
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == [str(user_id) for user_id in reversed(ids)]
    assert client.get(f"{USERS}{erased}/", headers=staff).status_code == 404


def test_staff_see_state_and_no_secrets(app, client, person):
    user_id = person()
    reply = client.get(f"{USERS}{user_id}/", headers=auth_headers(app, "staff"))
    assert reply.json["is_active"] is True
    assert "password_hash" not in reply.json and "token_version" not in reply.json


@pytest.mark.parametrize("tail", ["nobody/", "7/", "019aaaaa-0000-7000-8000-000000000000/"])
def test_an_unknown_person_is_404(app, client, tail):
    reply = client.get(USERS + tail, headers=auth_headers(app, "staff"))
    assert (reply.status_code, reply.content_type) == (404, "application/problem+json")
