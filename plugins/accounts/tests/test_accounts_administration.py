"""What staff see of accounts and do with them; and one's own devices."""

from urllib.parse import quote
from uuid import UUID

import pytest
from nexus_accounts.models import User
from nexus_accounts.services.devices import Devices
from nexus_accounts.services.finding import ORDERS, narrowed
from nexus_accounts.services.people import Accounts
from sqlalchemy import text

from nexus_kernel import new_id, reading, transaction
from nexus_kernel.testing import auth_headers, count_queries, in_threads

USERS = "/api/auth/users/"
MINE = "/api/auth/users/me/sessions/"
PROFILES = "/api/accounts/profiles/"


@pytest.fixture
def clerk(person):
    return person("clerk@shop.example", roles=["staff"])


@pytest.fixture
def staff(app, clerk):
    return auth_headers(app, "staff", person_id=clerk)


@pytest.fixture
def find(client, staff):
    """The addresses that a query finds, without the clerk's."""

    def get(query: str) -> list[str]:
        reply = client.get(f"{USERS}?{query}", headers=staff)
        assert reply.status_code == 200, reply.text
        return [row["email"] for row in reply.json["results"] if row["email"] != "clerk@shop.example"]

    return get


@pytest.fixture
def crowd(person):
    person("abebe@example.com", first_name="አበበ", last_name="ቢቂላ", username="runner", username_key="runner")
    person("zoe@example.org", first_name="Zoë", last_name="Ünal", roles=["seller"])
    person("100%_sure@example.net", is_active=False)
    person("new@example.com", email_verified_at=None)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("abebe", ["abebe@example.com"]),
        ("ABEBE@EXAMPLE", ["abebe@example.com"]),
        ("bebe@exam", []),
        ("abebe@exam", ["abebe@example.com"]),
        ("exam", ["new@example.com", "100%_sure@example.net", "zoe@example.org", "abebe@example.com"]),
        ("x-y runn", []),
        ("runn", ["abebe@example.com"]),
        ("አበበ", ["abebe@example.com"]),
        ("ቢቂ", ["abebe@example.com"]),
        ("አ", ["abebe@example.com"]),
        ("zoë ünal", ["zoe@example.org"]),
        ("ÜNAL ZOË", ["zoe@example.org"]),
        ("ün", ["zoe@example.org"]),
        ("ünal-zoë", ["zoe@example.org"]),
        ("nal", []),
        ("zoë bikila", []),
        ("100%", ["100%_sure@example.net"]),
        ("100%_s", ["100%_sure@example.net"]),
        ("%_s", []),
        ("*", []),
        ("a' | 'z", []),
        ("zoë:* & !b", []),
        ("_", []),
        ("%", []),
        ("\\", []),
        ("'; DROP TABLE accounts_user", []),
        ("example.com", ["new@example.com", "abebe@example.com"]),
    ],
)
def test_people_are_found_by_words_of_any_script(crowd, find, typed, found):
    assert find(f"q={quote(typed)}") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("role=seller", ["zoe@example.org"]),
        ("role=admin", []),
        ("is_active=false", ["100%_sure@example.net"]),
        ("verified=0", ["new@example.com"]),
        ("verified=true&is_active=true", ["zoe@example.org", "abebe@example.com"]),
        ("q=example.com&verified=true", ["abebe@example.com"]),
        ("sort=created_at&verified=1", ["abebe@example.com", "zoe@example.org", "100%_sure@example.net"]),
        ("sort=email&is_active=1", ["abebe@example.com", "new@example.com", "zoe@example.org"]),
        ("sort=-email&is_active=1", ["zoe@example.org", "new@example.com", "abebe@example.com"]),
    ],
)
def test_people_are_filtered_and_sorted(crowd, find, query, found):
    assert find(query) == found


@pytest.mark.parametrize(
    "query",
    ["role=emperor", "role=", "is_active=maybe", "verified=2", "sort=password_hash", "sort=--email", "q=",
     "q=a%00b", f"q={'x' * 101}", "page_size=0", "cursor=x", "q=%E2%80%8B"],
)  # fmt: skip
def test_a_parameter_that_means_nothing_is_422(client, staff, query):
    assert client.get(f"{USERS}?{query}", headers=staff).status_code == 422


@pytest.mark.parametrize("sort", ["email", "-email", "created_at", "-created_at"])
def test_every_order_is_paged_to_its_end_in_one_query_a_page(app, client, staff, crowd, sort):
    whole = [u["id"] for u in client.get(f"{USERS}?sort={sort}", headers=staff).json["results"]]
    seen, url = [], f"{USERS}?sort={sort}&page_size=2&q=example"
    while url:
        with count_queries(app) as queries:
            page = client.get(url, headers=staff).json
        assert len(queries) == 1, str(queries)
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == whole and len(seen) == 5


MANY = """
    INSERT INTO accounts_user (id, email, email_key, password_hash, first_name, last_name)
    SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', '!', 'Person' || n, 'ሰው' || n
    FROM generate_series(1, 20000) AS n
"""


@pytest.mark.parametrize("sort", ["-created_at", "email"])
def test_a_word_of_any_script_and_length_is_looked_up_in_the_index(app, sort):
    order, descending = ORDERS[sort]
    with app.app_context(), transaction() as session:
        session.execute(text(MANY))
        session.execute(text("ANALYZE accounts_user"))
        for word in ("needle", "መርፌ", "ne", "መ"):
            columns = [column.desc() if descending else column for column in order]
            page = narrowed(Accounts(session).all(), {"q": word}).order_by(*columns).limit(21)
            compiled = page.compile(session.connection())
            explained = session.connection().exec_driver_sql(f"EXPLAIN {compiled}", compiled.params)
            plan = "\n".join(explained.scalars())
            assert "ix_accounts_user_search" in plan and "Seq Scan on accounts_user" not in plan, plan


def test_staff_change_names(client, staff, person):
    user_id = person()
    reply = client.patch(f"{USERS}{user_id}/", json={"first_name": "Abebe"}, headers=staff)
    assert (reply.status_code, reply.json["first_name"], reply.json["last_name"]) == (200, "Abebe", "")
    assert client.patch(f"{USERS}{user_id}/", json={}, headers=staff).json == reply.json


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("first_name", {"first_name": None}),
        ("last_name", {"last_name": "x" * 151}),
        ("is_active", {"is_active": None}),
        ("is_active", {"is_active": "perhaps"}),
        ("roles", {"roles": ["admin"]}),
        ("email", {"email": "x@example.com"}),
        ("password", {"password": "x"}),
        ("is_seller", {"is_seller": True}),
    ],
)
def test_nothing_else_is_changed_this_way(client, staff, person, path, body):
    user_id = person()
    reply = client.patch(f"{USERS}{user_id}/", json=body, headers=staff)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, path)


def test_closing_and_opening_an_account_end_its_sign_ins(client, staff, person, sign_in, acts):
    user_id = person()
    refresh = sign_in().json["refresh"]
    closed = client.patch(f"{USERS}{user_id}/", json={"is_active": False}, headers=staff)
    assert closed.json["is_active"] is False
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 401
    assert sign_in().status_code == 401
    client.patch(f"{USERS}{user_id}/", json={"is_active": False}, headers=staff)
    opened = client.patch(f"{USERS}{user_id}/", json={"is_active": True}, headers=staff)
    assert opened.json["is_active"] is True and sign_in().status_code == 200
    assert acts(user_id) == ["signed_in", "deactivated", "reactivated"]


def test_staff_touch_no_admin_and_do_not_close_themselves(app, client, staff, clerk, person):
    boss = person("boss@example.com", roles=["admin"])
    for method, tail, body in (
        ("PATCH", "", {"first_name": "X"}),
        ("PATCH", "", {"is_active": False}),
        ("POST", "revoke_sessions/", None),
    ):
        reply = client.open(f"{USERS}{boss}/{tail}", method=method, json=body, headers=staff)
        assert (reply.status_code, reply.json["code"]) == (403, "accounts.admin_protected")
    reply = client.patch(f"{USERS}{clerk}/", json={"is_active": False}, headers=staff)
    assert (reply.status_code, reply.json["code"]) == (409, "accounts.own_account")
    admin = auth_headers(app, "admin", person_id=boss)
    assert client.patch(f"{USERS}{clerk}/", json={"is_active": False}, headers=admin).status_code == 200


def test_two_admins_who_close_each_other_leave_one(app, person):
    ids = [person(f"a{n}@example.com", roles=["admin"]) for n in range(2)]

    def close(actor, target):
        headers = auth_headers(app, "admin", person_id=actor)
        body = {"is_active": False}
        return app.test_client().patch(f"{USERS}{target}/", json=body, headers=headers).status_code

    answers = in_threads([lambda: close(*ids), lambda: close(*reversed(ids))])
    assert sorted(answers) in ([200, 403], [200, 409])
    with app.app_context(), reading() as session:
        assert session.query(User).filter(User.is_active).count() == 1


def test_what_is_not_there_is_404(client, staff):
    for method, tail, body in (
        ("GET", "", None),
        ("PATCH", "", {"first_name": "X"}),
        ("GET", "sessions/", None),
        ("POST", "revoke_sessions/", None),
    ):
        url = f"{USERS}{new_id()}/{tail}"
        assert client.open(url, method=method, json=body, headers=staff).status_code == 404


def test_devices_are_listed_with_what_they_are_and_where(app, client, staff, person):
    user_id = person()
    login = {"email": "abebe@example.com", "password": "correct-horse-battery"}
    agents = ["Firefox on a laptop\ttab", "x" * 500, ""]
    for agent in agents:
        where = {"REMOTE_ADDR": "203.0.113.77"}
        client.post("/api/auth/jwt/create/", json=login, headers={"User-Agent": agent}, environ_base=where)
    own = auth_headers(app, person_id=user_id)
    with count_queries(app) as queries:
        mine = client.get(MINE, headers=own).json
    assert len(queries) == 1, str(queries)
    assert [row["device"] for row in reversed(mine["results"])] == ["Firefox on a laptoptab", "x" * 200, ""]
    assert {row["network"] for row in mine["results"]} == {"203.0.113.0/24"}
    assert client.get(f"{USERS}{user_id}/sessions/", headers=staff).json["results"] == mine["results"]
    assert client.get(f"{USERS}{user_id}/sessions/", headers=own).status_code == 403


def test_a_person_signs_one_of_their_devices_out(app, client, person, sign_in, acts):
    user_id, other = person(), person("other@example.com")
    kept, lost = sign_in().json["refresh"], sign_in().json["refresh"]
    own = auth_headers(app, person_id=user_id)
    newest = client.get(MINE, headers=own).json["results"][0]["id"]
    stranger = auth_headers(app, person_id=other)
    assert client.delete(f"{MINE}{newest}/", headers=stranger).status_code == 404
    assert client.delete(f"{MINE}{newest}/", headers=own).status_code == 204
    assert client.delete(f"{MINE}{newest}/", headers=own).status_code == 404
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": lost}).status_code == 401
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": kept}).status_code == 200
    assert client.get(MINE, headers=own).json["count"] == 1
    assert acts(user_id)[-1] == "sessions_revoked"


def test_staff_end_every_sign_in_of_a_person(app, client, staff, person, sign_in, acts):
    user_id = person()
    refresh = [sign_in().json["refresh"] for _ in range(2)]
    assert client.post(f"{USERS}{user_id}/revoke_sessions/", headers=staff).status_code == 204
    replies = [client.post("/api/auth/jwt/refresh/", json={"refresh": token}) for token in refresh]
    assert [reply.status_code for reply in replies] == [401, 401]
    assert acts(user_id)[-1] == "sessions_revoked"


def test_staff_page_through_profiles_in_one_query(app, client, staff, clerk, person, change):
    user_id = person()
    own = auth_headers(app, person_id=user_id)
    client.patch(f"{PROFILES}me/", json={"bio": "Runs"}, headers=own)
    gone = person("gone@example.com", is_active=False)
    change(gone, erased_at="2026-01-01T00:00:00+00:00")
    with count_queries(app) as queries:
        page = client.get(PROFILES, headers=staff).json
    assert len(queries) == 1, str(queries)
    assert {row["user_id"]: row["bio"] for row in page["results"]} == {str(user_id): "Runs", str(clerk): ""}
    assert client.get(PROFILES, headers=own).status_code == 403


def test_an_ended_device_is_refused_also_where_its_token_was_looked_at_before_the_commit(
    app, client, person, sign_in
):
    user_id = person()
    headers = {"Authorization": f"Bearer {sign_in().json['access']}"}
    (device,) = client.get(MINE, headers=headers).json["results"]
    with app.app_context(), transaction() as session:
        Devices(session).end(user_id, UUID(device["id"]))
        (beside,) = in_threads([lambda: app.test_client().get(MINE, headers=headers)])
    assert beside.status_code == 200
    assert client.get(MINE, headers=headers).status_code == 401
