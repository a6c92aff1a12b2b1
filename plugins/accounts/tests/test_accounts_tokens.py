"""Signing in, rotating refresh tokens, and keeping kinds of tokens apart."""

import logging
from datetime import timedelta
from uuid import uuid4

import pytest
from flask_jwt_extended import create_refresh_token, decode_token
from nexus_accounts.models import RefreshFamily
from nexus_accounts.tasks import prune_refresh_families
from sqlalchemy import func, select, update

from nexus_kernel import now, transaction
from nexus_kernel.testing import count_queries, in_threads

JWT = "/api/auth/jwt"


@pytest.fixture
def refresh(client):
    return lambda token: client.post(f"{JWT}/refresh/", json={"refresh": token})


@pytest.fixture
def tokens(person, sign_in):
    person()
    return sign_in().json


def families(app) -> int:
    with app.app_context(), transaction() as session:
        return session.scalar(select(func.count()).select_from(RefreshFamily))


def me(client, access):
    return client.get("/api/auth/users/me/", headers={"Authorization": f"Bearer {access}"})


def test_signing_in_gives_an_access_and_a_refresh_token_that_are_not_to_be_stored(client, person, sign_in):
    person()
    reply = sign_in("ABEBE@example.com")
    assert reply.status_code == 200
    assert reply.json.keys() == {"access", "refresh"}
    assert reply.headers["Cache-Control"] == "no-store"
    assert me(client, reply.json["access"]).status_code == 200


def test_an_unverified_person_may_sign_in(register, sign_in):
    register()
    assert sign_in().status_code == 200


def test_the_access_token_carries_the_granted_roles(app, person, sign_in):
    person(roles=["seller", "staff"])
    with app.app_context():
        assert decode_token(sign_in().json["access"])["roles"] == ["seller", "staff"]


def test_a_password_is_the_same_in_another_unicode_form(register, sign_in):
    register(password="na\u00efve-\u00e9toile", re_password="na\u00efve-\u00e9toile")
    assert sign_in(password="nai\u0308ve-e\u0301toile").status_code == 200


def test_unknown_address_wrong_password_and_closed_account_are_refused_alike(person, sign_in):
    person("open@example.com")
    person("closed@example.com", is_active=False)
    replies = [
        sign_in("open@example.com", "wrong-password"),
        sign_in("nobody@example.com"),
        sign_in("closed@example.com"),
        sign_in("no address at all"),
    ]
    answers = {(r.status_code, r.json["code"], r.json["detail"]) for r in replies}
    assert answers == {(401, "accounts.invalid_credentials", "The e-mail address or the password is wrong.")}


@pytest.mark.parametrize("email", ["nobody@example.com", "closed@example.com"])
def test_a_password_is_hashed_even_when_there_is_nothing_to_compare_it_with(
    person, sign_in, monkeypatch, email
):
    from nexus_accounts import passwords

    person("closed@example.com", is_active=False)
    verified = []

    class Spy:
        def verify(self, password_hash, password):
            verified.append(password_hash)
            return hasher.verify(password_hash, password)

        hash = passwords._hasher.hash

    hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Spy())
    assert sign_in(email).status_code == 401
    assert len(verified) == 1 and verified[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_signing_in_takes_two_queries_and_refreshing_one(app, person, sign_in, refresh):
    person()
    with count_queries(app) as queries:
        reply = sign_in()
    assert len(queries) == 2, str(queries)
    with count_queries(app) as queries:
        assert refresh(reply.json["refresh"]).status_code == 200
    assert len(queries) == 1, str(queries)


def test_a_refresh_gives_new_tokens_that_work(client, tokens, refresh):
    first = refresh(tokens["refresh"])
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "no-store"
    assert first.json["refresh"] != tokens["refresh"]
    assert me(client, first.json["access"]).status_code == 200
    assert refresh(first.json["refresh"]).status_code == 200


def test_a_refresh_sees_roles_that_were_granted_since(app, person, sign_in, refresh, change):
    user_id = person()
    token = sign_in().json["refresh"]
    change(user_id, roles=["seller"])
    with app.app_context():
        assert decode_token(refresh(token).json["access"])["roles"] == ["seller"]


def test_using_a_spent_refresh_token_ends_its_family_and_no_other(person, sign_in, refresh, caplog):
    person()
    device, other = sign_in().json["refresh"], sign_in().json["refresh"]
    second = refresh(device).json["refresh"]
    third = refresh(second).json["refresh"]
    with caplog.at_level(logging.WARNING, "nexus.accounts"):
        assert refresh(device).status_code == 401
    assert "was ended" in caplog.text
    reply = refresh(third)
    assert (reply.status_code, reply.json["code"]) == (401, "accounts.refresh_token_refused")
    assert refresh(other).status_code == 200


def test_of_ten_refreshes_at_once_with_one_token_exactly_one_wins(app, tokens):
    def call():
        return app.test_client().post(f"{JWT}/refresh/", json={"refresh": tokens["refresh"]})

    replies = in_threads([call] * 10)
    assert sorted(r.status_code for r in replies) == [200] + [401] * 9


@pytest.mark.parametrize("nexus_config", [{"accounts": {"refresh_grace_seconds": 60}}])
def test_with_a_grace_period_the_losers_of_a_race_do_not_sign_the_winner_out(app, tokens, refresh):
    def call():
        return app.test_client().post(f"{JWT}/refresh/", json={"refresh": tokens["refresh"]})

    replies = in_threads([call] * 4)
    assert sorted(r.status_code for r in replies) == [200, 401, 401, 401]
    winner = next(r for r in replies if r.status_code == 200)
    second = refresh(winner.json["refresh"])
    assert second.status_code == 200
    assert refresh(tokens["refresh"]).status_code == 401
    assert refresh(second.json["refresh"]).status_code == 401


@pytest.mark.parametrize(
    "columns", [{"is_active": False}, {"is_active": False, "erased_at": now()}, {"token_version": 1}]
)
def test_a_closed_erased_or_revoked_person_cannot_refresh(person, sign_in, refresh, change, columns):
    user_id = person()
    token = sign_in().json["refresh"]
    change(user_id, **columns)
    assert refresh(token).status_code == 401


def test_an_expired_family_cannot_be_refreshed_and_is_forgotten(app, tokens, refresh):
    with app.app_context(), transaction() as session:
        session.execute(update(RefreshFamily).values(expires_at=now() - timedelta(seconds=1)))
    with app.app_context():
        prune_refresh_families.function()
    assert families(app) == 0
    assert refresh(tokens["refresh"]).status_code == 401


def test_pruning_spares_whoever_is_signed_in(app, tokens, refresh):
    with app.app_context():
        prune_refresh_families.function()
    assert refresh(tokens["refresh"]).status_code == 200


def test_signing_out_ends_the_family_and_may_be_repeated(app, client, tokens, refresh):
    spent, newest = tokens["refresh"], refresh(tokens["refresh"]).json["refresh"]
    for token in (spent, newest):
        assert client.post(f"{JWT}/logout/", json={"refresh": token}).status_code == 204
    assert families(app) == 0
    assert refresh(newest).status_code == 401


def test_verifying_tells_whether_an_access_token_holds(client, tokens):
    assert client.post(f"{JWT}/verify/", json={"token": tokens["access"]}).status_code == 200
    tampered = tokens["access"][:-4] + ("AAAA" if tokens["access"][-4:] != "AAAA" else "BBBB")
    assert client.post(f"{JWT}/verify/", json={"token": tampered}).status_code == 401


@pytest.mark.parametrize(
    ("path", "field", "kind"),
    [
        ("jwt/refresh/", "refresh", "access"),
        ("jwt/logout/", "refresh", "access"),
        ("jwt/verify/", "token", "refresh"),
        ("jwt/refresh/", "refresh", "activation"),
        ("jwt/verify/", "token", "activation"),
        ("jwt/logout/", "refresh", "activation"),
    ],
)
def test_a_token_of_another_kind_is_refused(client, register, sign_in, mailbox, path, field, kind):
    register()
    held = {**sign_in().json, "activation": mailbox().registered[0].token}
    assert client.post(f"/api/auth/{path}", json={field: held[kind]}).status_code == 401


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_a_jwt_does_not_confirm_an_address(client, register, sign_in, mailbox, kind):
    register()
    body = {"uid": mailbox().registered[0].uid, "token": sign_in().json[kind]}
    assert client.post("/api/auth/users/activation/", json=body).status_code == 422


def test_a_refresh_token_opens_no_route(client, tokens):
    assert me(client, tokens["refresh"]).status_code == 401


@pytest.mark.parametrize(
    "claims", [{}, {"family": "x"}, {"family": 7}, {"family": None}, {"family": str(uuid4()), "jti": []}]
)
def test_a_signed_refresh_token_without_a_known_family_is_refused(app, refresh, person, claims):
    with app.app_context():
        token = create_refresh_token(str(person()), additional_claims=claims)
    assert refresh(token).status_code == 401


def test_one_persons_token_cannot_name_anothers_family(app, client, person, tokens, refresh):
    with app.app_context():
        claims = decode_token(tokens["refresh"])
        other = person("other@example.com")
        stolen = {name: claims[name] for name in ("family", "jti")}
        forged = create_refresh_token(str(other), additional_claims=stolen)
    assert client.post(f"{JWT}/logout/", json={"refresh": forged}).status_code == 204
    assert families(app) == 1


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "\x00", "ጥ", "x" * 5000, 7, None, [], {}, 2**63])
@pytest.mark.parametrize(
    ("path", "field"), [("refresh", "refresh"), ("logout", "refresh"), ("verify", "token")]
)
def test_nonsense_instead_of_a_token_is_refused(client, path, field, value):
    reply = client.post(f"{JWT}/{path}/", json={field: value})
    assert reply.status_code in (401, 422)
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", None), ("email", 7), ("email", "a\x00"), ("password", []), ("password", "x" * 5000)],
)
def test_credentials_of_a_wrong_kind_are_refused_by_name(client, field, value):
    body = {"email": "abebe@example.com", "password": "some-password", field: value}
    reply = client.post(f"{JWT}/create/", json=body)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, field)


def test_an_expired_access_token_sent_along_does_not_hinder_signing_in(client, tokens, password):
    stale = {"Authorization": "Bearer expired.or.broken"}
    body = {"email": "abebe@example.com", "password": password}
    assert client.post(f"{JWT}/create/", json=body, headers=stale).status_code == 200
    reply = client.post(f"{JWT}/refresh/", json={"refresh": tokens["refresh"]}, headers=stale)
    assert reply.status_code == 200
