"""What is written down about whom, how little of it, and who reads it."""

import pytest
from nexus_accounts.models import Act, AuditEntry
from nexus_accounts.services.audit import audit_coarsely, client_network
from sqlalchemy import func, select, text

from nexus_kernel import new_id, now, reading, transaction
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads

URL = "/api/accounts/audit/"


@pytest.fixture
def boss(person):
    return person("boss@example.com", roles=["admin"])


@pytest.fixture
def headers(app, boss):
    return auth_headers(app, "admin", person_id=boss)


@pytest.fixture
def read(client, headers):
    return lambda query="": client.get(f"{URL}?{query}", headers=headers).json["results"]


def test_the_life_of_an_account_is_written_down(app, client, register, mailbox, sign_in, acts):
    register()
    (link,) = mailbox().registered
    client.post("/api/auth/users/activation/", json={"uid": link.uid, "token": link.token})
    refresh = sign_in().json["refresh"]
    for _ in range(2):
        client.post("/api/auth/jwt/refresh/", json={"refresh": refresh})
    assert acts(link.user_id) == ["registered", "activated", "signed_in", "refresh_reused"]


def test_an_entry_says_who_to_whom_from_where_and_in_which_request(app, client, person, boss, headers, read):
    user_id = person()
    reply = client.post(
        f"/api/auth/users/{user_id}/roles/", json={"role": "seller"},
        headers={**headers, "X-Request-ID": "req-7"}, environ_base={"REMOTE_ADDR": "203.0.113.77"},
    )  # fmt: skip
    assert reply.status_code == 200
    (entry,) = read(f"subject={user_id}")
    assert entry.pop("id") and entry.pop("created_at")
    assert entry == {
        "act": "role_granted",
        "subject_id": str(user_id),
        "actor_id": str(boss),
        "network": "203.0.113.0/24",
        "request_id": "req-7",
        "details": {"role": "seller"},
    }


def test_no_entry_holds_an_address_or_a_name(app, client, person, headers, register, sign_in, mailbox):
    register("secret.person@example.com", username="secretive", first_name="Secretia")
    mailbox()
    sign_in("secret.person@example.com", "wrong-password-1")
    sign_in("secret.person@example.com")
    drain(app)
    with app.app_context(), reading() as session:
        rows = "\n".join(session.scalars(text("SELECT accounts_audit_entry::text FROM accounts_audit_entry")))
    assert rows and "secret" not in rows.lower()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("unix:", ""),
        ("not an address", ""),
    ],
)
def test_of_an_address_only_the_network_is_kept(app, address, network):
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert client_network() == network
    with app.app_context():
        assert client_network() == ""


def test_failed_sign_ins_are_one_entry_a_minute_and_account(app, person, sign_in, acts):
    user_id = person()
    for _ in range(5):
        assert sign_in(password="wrong-password-1").status_code == 401
        assert sign_in(f"nobody{new_id().hex}@example.com").status_code == 401
        drain(app)
    assert acts(user_id).count("sign_in_failed") <= 2
    assert acts(None).count("sign_in_failed") <= 2
    assert acts(user_id) and acts(None)


def test_a_failed_sign_in_does_the_same_for_a_known_and_an_unknown_address(app, person, sign_in):
    person()
    seen = []
    for email in ("abebe@example.com", "nobody@example.com"):
        with count_queries(app) as queries:
            assert sign_in(email, "wrong-password-1").status_code == 401
        sent = app.extensions["nexus"].dispatcher.sent
        seen.append((len(queries), [name for name, _ in sent]))
        sent.clear()
    assert seen == [(1, ["accounts.record_failed_sign_in"])] * 2


def test_many_at_once_in_a_minute_are_one_entry(app):
    user_id, moment = new_id(), now()

    def write():
        with app.app_context(), reading() as session:
            audit_coarsely(session, Act.SIGN_IN_FAILED, user_id)

    in_threads([write] * 8)
    with app.app_context(), reading() as session:
        count = session.scalar(select(func.count()).where(AuditEntry.subject_id == user_id))
    assert count == 1 or now().minute != moment.minute


def test_an_entry_is_rolled_back_with_what_it_tells_of(app, client, person, headers, acts, monkeypatch):
    user_id = person()

    def fail(*args):
        raise RuntimeError("no disk")

    app.extensions["nexus"].db.before_commit.append(fail)
    reply = client.post(f"/api/auth/users/{user_id}/roles/", json={"role": "seller"}, headers=headers)
    assert reply.status_code == 500
    assert acts(user_id) == []


@pytest.fixture
def written(app):
    """Entries of two people, oldest first."""
    people = [new_id(), new_id()]
    with app.app_context(), transaction() as session:
        told = (
            (2024, 0, "signed_in"),
            (2025, 0, "role_granted"),
            (2025, 1, "signed_in"),
            (2026, 1, "erased"),
        )
        for year, person, act in told:
            moment = f"{year}-03-01T00:00:00+00:00"
            session.add(AuditEntry(act=act, subject_id=people[person], actor_id=people[0], created_at=moment))
    return people


def test_the_record_is_filtered_newest_first(read, written):
    first, second = written

    def found(query):
        return [(row["created_at"][:4], row["act"]) for row in read(query)]

    assert found(f"subject={first}") == [("2025", "role_granted"), ("2024", "signed_in")]
    assert found(f"subject={second}&act=signed_in") == [("2025", "signed_in")]
    assert found(f"actor={first}&since=2025-06-01T00:00:00Z") == [("2026", "erased")]
    assert found(f"actor={second}") == []


@pytest.mark.parametrize("query", ["subject=me", "act=murder", "since=yesterday", "since=7", "act=a%00"])
def test_a_filter_that_means_nothing_is_422(client, headers, query):
    assert client.get(f"{URL}?{query}", headers=headers).status_code == 422


def test_the_record_is_paged_by_cursor_in_one_query(app, client, headers, written):
    seen, url = [], f"{URL}?actor={written[0]}&page_size=3"
    while url:
        with count_queries(app) as queries:
            page = client.get(url, headers=headers).json
        assert len(queries) == 1, str(queries)
        seen += [row["created_at"][:4] for row in page["results"]]
        url = page["next"]
    assert seen == ["2026", "2025", "2025", "2024"]


def test_only_staff_and_admins_read_it_and_nobody_writes_it(app, client, headers):
    for role, status in (("seller", 403), ("staff", 200), ("admin", 200)):
        assert client.get(URL, headers=auth_headers(app, role)).status_code == status
    assert client.get(URL).status_code == 401
    for verb in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.open(URL, method=verb, json={}, headers=headers).status_code == 405
