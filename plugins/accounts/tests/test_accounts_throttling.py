"""How often one may try, and that nobody can lock another person out."""

import os
import sys
import threading
from contextlib import ExitStack

import pytest
from nexus_accounts import passwords

from nexus_kernel import StartupError, create_app
from nexus_kernel.testing import in_threads
from nexus_kernel.testing.fixtures import make_app

USERS, JWT = "/api/auth/users", "/api/auth/jwt"
HOME, AWAY, ATTACKER = "203.0.113.7", "198.51.100.1", "192.0.2.66"
EMAIL, FRESH = "abebe@example.com", "another-long-secret"


@pytest.fixture
def nexus_config():
    return {
        "accounts": {
            "sign_in_client_rate": "50/minute",
            "sign_in_account_rate": "3/hour",
            "registration_rate": "3/hour",
            "mail_client_rate": "6/hour",
            "mail_account_rate": "3/hour",
            "link_rate": "3/minute",
            "refresh_rate": "3/minute",
        }
    }


@pytest.fixture
def post(app):
    def call(path: str, address: str = HOME, **body):
        environ = {"REMOTE_ADDR": address}
        return app.test_client().post(f"/api/auth/{path}/", json=body, environ_base=environ)

    return call


@pytest.fixture
def sign_in(post, password):
    def call(email: str = EMAIL, word: str = password, address: str = HOME) -> int:
        return post("jwt/create", address, email=email, password=word).status_code

    return call


def test_wrong_passwords_for_an_account_are_counted_from_everywhere_together(person, sign_in, post):
    person()
    statuses = [sign_in(word="wrong-password", address=f"192.0.2.{number}") for number in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert sign_in(address=AWAY) == 429, "the right password told itself apart"
    reply = post("jwt/create", AWAY, email="ABEBE@Example.com", password="wrong-password")
    assert reply.json["code"] == "kernel.throttled" and int(reply.headers["Retry-After"]) >= 1


def test_the_refusal_is_the_same_whether_the_account_exists_or_not(person, post):
    person("known@example.com")
    person("closed@example.com", is_active=False)
    seen = set()
    for email in ("known@example.com", "closed@example.com", "unknown@example.com", "no address"):
        replies = [post("jwt/create", email=email, password="wrong-password") for _ in range(5)]
        seen.add(tuple((r.status_code, r.json["code"], r.json["title"]) for r in replies))
    assert len(seen) == 1


def test_nobody_locks_a_person_out_of_a_network_that_they_signed_in_from(person, sign_in):
    person()
    assert sign_in(address=HOME) == 200
    for _ in range(3):
        assert [sign_in(word="wrong-password", address=ATTACKER) for _ in range(6)].count(429) >= 3
        assert sign_in(address=HOME) == 200


def test_at_home_wrong_passwords_count_too(person, sign_in):
    person()
    sign_in()
    assert [sign_in(word="wrong-password") for _ in range(4)] == [401, 401, 401, 429]
    assert sign_in() == 429


def test_a_right_password_forgives_the_wrong_ones_before_it(person, sign_in):
    person()
    for _ in range(4):
        assert [sign_in(word="wrong-password"), sign_in(word="wrong-password"), sign_in()] == [401, 401, 200]


def test_a_reset_opens_a_network_during_an_attack(person, sign_in, post, mailbox):
    person()
    for number in range(5):
        sign_in(word="wrong-password", address=f"192.0.2.{number}")
    assert sign_in(address=AWAY) == 429
    post("users/reset_password", AWAY, email=EMAIL)
    (mail,) = mailbox().resets
    fresh = {"new_password": FRESH, "re_new_password": FRESH}
    assert (
        post("users/reset_password_confirm", AWAY, uid=mail.uid, token=mail.token, **fresh).status_code == 204
    )
    assert sign_in(word=FRESH, address=AWAY) == 200


def test_twenty_guesses_at_once_are_as_many_as_the_rate_says(person, sign_in):
    person()
    statuses = in_threads([lambda: sign_in(word="wrong-password", address=ATTACKER)] * 20)
    assert sorted(statuses) == [401] * 3 + [429] * 17


@pytest.mark.parametrize("nexus_config", [{"accounts": {"sign_in_client_rate": "3/minute"}}])
def test_one_client_is_counted_over_all_accounts(sign_in):
    statuses = [sign_in(f"p{number}@example.com", "wrong-password") for number in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert sign_in("p9@example.com", "wrong-password", AWAY) == 401


def test_registrations_of_one_client_are_counted(post, password):
    def register(number: int, address: str = HOME) -> int:
        fields = {"email": f"p{number}@example.com", "password": password, "re_password": password}
        return post("users", address, **fields).status_code

    assert [register(number) for number in range(5)] == [201, 201, 201, 429, 429]
    assert register(9, AWAY) == 201


@pytest.mark.parametrize("path", ["users/resend_activation", "users/reset_password"])
def test_requests_for_mail_are_counted_by_address_and_by_client(person, post, path):
    person()
    for email in (EMAIL, "unknown@example.com"):
        statuses = [post(path, f"192.0.2.{number}", email=email).status_code for number in range(5)]
        assert statuses == [204, 204, 204, 429, 429]
    by_client = [post(path, AWAY, email=f"p{number}@example.com").status_code for number in range(8)]
    assert by_client == [204] * 6 + [429] * 2


@pytest.mark.parametrize("path", ["activation", "reset_password_confirm", "set_email_confirm"])
def test_guesses_of_links_are_counted(post, path):
    link = {"uid": "019aaaaa-0000-7000-8000-000000000000", "token": "guess"}
    if path == "reset_password_confirm":
        link |= {"new_password": FRESH, "re_new_password": FRESH}
    statuses = [post(f"users/{path}", **link).status_code for _ in range(5)]
    assert statuses == [422, 422, 422, 429, 429]


def test_refreshes_are_counted(post):
    assert [post("jwt/refresh", refresh="x").status_code for _ in range(5)] == [401, 401, 401, 429, 429]


@pytest.mark.parametrize("path", ["users/set_password", "users/set_email"])
def test_the_current_password_is_not_to_be_guessed_with_a_stolen_token(app, person, post, path, password):
    person()
    access = post("jwt/create", email=EMAIL, password=password).json["access"]
    fresh = {"new_password": FRESH, "re_new_password": FRESH}
    body = fresh if path == "users/set_password" else {"new_email": "new@example.com"}
    statuses = [
        app.test_client()
        .post(
            f"/api/auth/{path}/",
            json={**body, "current_password": "wrong-password"},
            headers={"Authorization": f"Bearer {access}"},
        )
        .status_code
        for _ in range(5)
    ]
    assert statuses == [422, 422, 422, 429, 429]


class TestWithRedisGone:
    @pytest.fixture
    def nexus_config(self):
        return {
            "kernel": {"redis_url": "redis://127.0.0.1:1/0"},
            "accounts": {"sign_in_account_rate": "3/hour"},
        }

    @pytest.fixture
    def app(self, nexus_engines, database_url, nexus_plugins, nexus_config):
        app = make_app(nexus_engines, database_url, nexus_plugins, nexus_config)
        yield app
        app.extensions["nexus"].db.close()

    def test_people_sign_in_and_guesses_are_still_counted(self, person, sign_in):
        person()
        assert sign_in() == 200
        assert [sign_in(word="wrong-password", address=ATTACKER) for _ in range(5)] == [401] * 3 + [429] * 2
        assert sign_in() == 200


@pytest.mark.parametrize("key", ["sign_in_client_rate", "registration_rate", "refresh_rate"])
def test_a_rate_that_is_none_stops_the_start(key):
    config = {"kernel": {"environment": "test"}, "accounts": {key: "often"}}
    with pytest.raises(StartupError, match=f"NEXUS_ACCOUNTS__{key.upper()}: must be a rate"):
        create_app(config, plugins=["accounts"])


class TestHashing:
    def test_a_process_hashes_a_few_passwords_at_once_only(self, monkeypatch):
        busy, most, lock = 0, 0, threading.Lock()
        hash_it = passwords._hasher.hash

        class Spy:
            def hash(self, password):
                nonlocal busy, most
                with lock:
                    busy += 1
                    most = max(most, busy)
                try:
                    return hash_it(password)
                finally:
                    with lock:
                        busy -= 1

        monkeypatch.setattr(passwords, "_hasher", Spy())
        in_threads([lambda: passwords.hash_password("a-long-secret")] * 12)
        assert most == passwords.HASHES_AT_ONCE

    @pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
    def test_a_hash_leaves_the_processor_to_requests(self, monkeypatch):
        def priority() -> int:
            return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        class Spy:
            def hash(self, password):
                return priority()

        monkeypatch.setattr(passwords, "_hasher", Spy())
        before = priority()
        assert passwords.hash_password("a-long-secret") == min(before + passwords.NICE, 19)
        assert priority() == before

    def test_who_waits_too_long_for_a_turn_is_asked_to_come_back(self, person, post, password, monkeypatch):
        person()
        monkeypatch.setattr(passwords, "LONGEST_WAIT", 0.01)
        with ExitStack() as held:
            for _ in range(passwords.HASHES_AT_ONCE):
                held.enter_context(passwords._turn())
            reply = post("jwt/create", email=EMAIL, password=password)
        assert (reply.status_code, reply.json["code"]) == (503, "accounts.passwords_busy")
        assert int(reply.headers["Retry-After"]) >= 1
        assert post("jwt/create", email=EMAIL, password=password).status_code == 200
