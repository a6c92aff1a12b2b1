"""Keys of machine clients: shown once, never more than their owner, and never a way to more keys."""

from datetime import timedelta

import pytest
from nexus_accounts.models import ApiKey
from nexus_accounts.services.api_keys import MOST_KEYS
from sqlalchemy import func, select, update

from nexus_kernel import now, reading, transaction
from nexus_kernel.testing import auth_headers, count_queries, in_threads

KEYS = "/api/accounts/api_keys/"
ME = "/api/auth/users/me/"
USERS = "/api/auth/users/"


@pytest.fixture
def clerk(app, person):
    return person(roles=["staff"])


@pytest.fixture
def headers(app, clerk):
    return auth_headers(app, "staff", person_id=clerk)


@pytest.fixture
def issue(client, headers):
    def post(*scopes, **fields):
        body = {"name": "till", "scopes": list(scopes or ("accounts.user.read",)), **fields}
        return client.post(KEYS, json=body, headers=headers)

    return post


@pytest.fixture
def get(client):
    return lambda key, url=USERS: client.get(url, headers={"Authorization": f"ApiKey {key}"})


@pytest.fixture
def forgotten(app):
    """Ends what was remembered, as five seconds do."""
    return app.extensions["nexus"].authenticators._actors.clear


def test_a_key_is_shown_once_and_opens_what_its_scopes_name(client, headers, issue, get):
    reply = issue("accounts.user.read", "accounts.me.read")
    assert reply.status_code == 201
    key = reply.json["key"]
    assert key.startswith(f"nxk_{reply.json['prefix']}_") and len(key) > 50
    listed = client.get(KEYS, headers=headers)
    assert [row["id"] for row in listed.json["results"]] == [reply.json["id"]]
    assert key not in listed.text and "secret" not in listed.text
    assert get(key).status_code == 200
    assert get(key, ME).json["roles"] == ["staff"]
    assert get(key, "/api/accounts/audit/").status_code == 403


def test_only_a_hash_of_the_secret_is_kept(app, issue):
    key = issue().json["key"]
    with app.app_context(), reading() as session:
        row = session.scalars(select(ApiKey)).one()
    secret = key.split("_", 2)[2]
    assert len(row.secret_hash) == 32 and secret.encode() not in row.secret_hash


@pytest.mark.parametrize("change", ["x", "prefix", "secret", "mark", "empty", "short", "nul", "long", "é"])
def test_a_key_that_is_not_quite_one_is_401(issue, get, change):
    key = issue().json["key"]
    mark, prefix, secret = key.split("_", 2)
    wrong = {
        "x": key + "x",
        "prefix": f"{mark}_{prefix[::-1]}_{secret}",
        "secret": f"{mark}_{prefix}_{secret[::-1]}",
        "mark": f"nxx_{prefix}_{secret}",
        "empty": f"{mark}_{prefix}_",
        "short": mark,
        "nul": f"{mark}_%00_{secret}",
        "long": key + "x" * 10_000,
        "é": f"{mark}_é_{secret}",
    }[change]
    reply = get(wrong)
    assert (reply.status_code, reply.json["code"]) == (401, "kernel.unauthorized")
    assert reply.headers["WWW-Authenticate"] == "Bearer, ApiKey"


def test_a_steady_machine_costs_no_query(app, issue, get, forgotten):
    key = issue("accounts.me.read").json["key"]
    get(key, ME)
    forgotten()
    with count_queries(app) as first:
        assert get(key, ME).status_code == 200
    with count_queries(app) as queries:
        assert get(key, ME).status_code == 200
    assert (len(first), len(queries)) == (2, 1), f"{first}\n{queries}"


def test_a_revoked_key_stops(client, headers, issue, get, forgotten):
    made = issue().json
    assert get(made["key"]).status_code == 200
    assert client.delete(f"{KEYS}{made['id']}/", headers=headers).status_code == 204
    forgotten()
    assert get(made["key"]).status_code == 401
    assert client.delete(f"{KEYS}{made['id']}/", headers=headers).status_code == 404
    assert client.get(KEYS, headers=headers).json["count"] == 0


def test_a_strangers_key_is_404(app, client, person, issue):
    made = issue().json
    other = auth_headers(app, "staff", person_id=person("other@example.com", roles=["staff"]))
    assert client.delete(f"{KEYS}{made['id']}/", headers=other).status_code == 404
    assert client.get(KEYS, headers=other).json["results"] == []


def test_an_expired_key_stops(app, issue, get, forgotten):
    key = issue(expires_at=(now() + timedelta(hours=1)).isoformat()).json["key"]
    assert get(key).status_code == 200
    with app.app_context(), transaction() as session:
        session.execute(update(ApiKey).values(expires_at=now() - timedelta(seconds=1)))
    forgotten()
    assert get(key).status_code == 401


def test_every_key_ends_some_day(issue):
    longest = now() + timedelta(days=365, minutes=1)
    for wanted in (None, "2999-01-01T00:00:00Z"):
        assert issue(expires_at=wanted).json["expires_at"] < longest.isoformat()


@pytest.mark.parametrize(
    ("scopes", "path"),
    [
        (["accounts.nothing"], "scopes[0]"),
        (["accounts.user.read", "accounts.me.write"], "scopes[1]"),
        (["accounts.api_key.use"], "scopes[0]"),
        (["accounts.role.grant"], "scopes[0]"),
        (["a\x00"], "scopes[0]"),
        ([], "scopes"),
        ([""], "scopes.0"),
        (None, "scopes"),
        ("accounts.user.read", "scopes"),
        ([7], "scopes.0"),
    ],
)
def test_a_scope_that_cannot_be_given_is_named(client, headers, scopes, path):
    reply = client.post(KEYS, json={"name": "till", "scopes": scopes}, headers=headers)
    assert reply.status_code == 422, reply.text
    assert reply.json["errors"][0]["path"].replace("[", ".").replace("]", "") == path.replace(
        "[", "."
    ).replace("]", "")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": None},
        {"name": "a\x00"},
        {"name": "x" * 101},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "tomorrow"},
        {"expires_at": 7},
        {"owner": "me"},
    ],
)
def test_a_bad_key_is_422_and_nothing_is_made(client, headers, issue, fields):
    reply = issue(**fields)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, next(iter(fields)))
    assert client.get(KEYS, headers=headers).json["count"] == 0


def test_nobody_gives_a_key_what_they_do_not_have(app, client, person):
    member = auth_headers(app, person_id=person("m@example.com"))
    reply = client.post(KEYS, json={"name": "x", "scopes": ["accounts.user.read"]}, headers=member)
    assert (reply.status_code, reply.json["code"]) == (422, "accounts.scope_refused")


def test_a_key_loses_what_its_owner_loses(app, clerk, change, issue, get, forgotten):
    key = issue("accounts.user.read", "accounts.me.read").json["key"]
    assert get(key).status_code == 200
    change(clerk, roles=[])
    forgotten()
    assert get(key).status_code == 403 and get(key, ME).status_code == 200
    change(clerk, is_active=False)
    forgotten()
    assert get(key, ME).status_code == 401


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", KEYS, {"name": "child", "scopes": ["accounts.me.read"]}),
        ("GET", KEYS, None),
        ("PATCH", ME, {"first_name": "X"}),
        ("DELETE", ME, {"current_password": "correct-horse-battery"}),
        ("GET", "/api/accounts/me/export/", None),
        ("POST", f"{USERS}019aaaaa-0000-7000-8000-000000000000/roles/", {"role": "seller"}),
        ("POST", f"{USERS}019aaaaa-0000-7000-8000-000000000000/erase/", None),
    ],
)
def test_no_key_makes_keys_changes_its_owner_or_grants_roles(app, client, issue, method, url, body):
    key = issue("accounts.user.read", "accounts.me.read").json["key"]
    with app.app_context(), transaction() as session:  # as if a later release made them personal
        everything = sorted(app.extensions["nexus"].permissions)
        session.execute(update(ApiKey).values(scopes=everything))
    reply = client.open(url, method=method, json=body, headers={"Authorization": f"ApiKey {key}"})
    assert reply.status_code == 403


def test_the_use_is_noted_now_and_then(app, issue, get, forgotten):
    key = issue().json["key"]

    def used():
        forgotten()
        get(key)
        with app.app_context(), reading() as session:
            return session.scalar(select(ApiKey.last_used_at))

    first = used()
    assert first is not None and used() == first
    with app.app_context(), transaction() as session:
        session.execute(update(ApiKey).values(last_used_at=first - timedelta(minutes=11)))
    assert used() > first - timedelta(minutes=11)


def test_the_number_of_keys_is_bounded_when_many_are_made_at_once(app, clerk, headers):
    with app.app_context(), transaction() as session:
        for number in range(MOST_KEYS - 2):
            session.add(
                ApiKey(
                    user_id=clerk, name="x", prefix=f"p{number}", secret_hash=b"x" * 32,
                    scopes=["accounts.me.read"],
                )
            )  # fmt: skip
    body = {"name": "till", "scopes": ["accounts.me.read"]}
    calls = [lambda: app.test_client().post(KEYS, json=body, headers=headers).status_code] * 5
    assert sorted(in_threads(calls)) == [201, 201, 409, 409, 409]
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).select_from(ApiKey)) == MOST_KEYS


def test_making_and_revoking_are_written_down(client, clerk, headers, issue, acts):
    made = issue().json
    client.delete(f"{KEYS}{made['id']}/", headers=headers)
    assert acts(clerk) == ["api_key_created", "api_key_revoked"]
