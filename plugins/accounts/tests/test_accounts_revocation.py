"""What ends a sign-in ends its access tokens too: here at once, elsewhere within seconds."""

import pytest
from flask_jwt_extended import create_access_token
from nexus_accounts.models import RefreshFamily, SingleUseToken, User
from nexus_accounts.services.revocation import SignInClaim, end_sign_ins, sign_in_claim
from sqlalchemy import func, select

from nexus_kernel import issue_access_token, new_id, transaction, verified_claims
from nexus_kernel.testing import auth_headers, count_queries, in_threads
from nexus_kernel.testing.fixtures import make_app

JWT = "/api/auth/jwt"


def bearer(access: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access}"}


def me(app, access: str) -> int:
    return app.test_client().get("/api/auth/users/me/", headers=bearer(access)).status_code


@pytest.fixture
def other_process(nexus_engines, database_url, nexus_plugins):
    """Another process of the same shop, which asks again after a moment."""
    config = {"kernel": {"token_recheck_seconds": 0}}
    app = make_app(nexus_engines, database_url, nexus_plugins, config)
    yield app
    app.extensions["nexus"].db.close()


@pytest.fixture
def end(app):
    def call(user_id) -> None:
        with app.app_context(), transaction() as session:
            end_sign_ins(session, user_id)

    return call


def test_ending_the_sign_ins_ends_tokens_families_and_links_of_that_person_only(
    app, person, sign_in, client, end
):
    one, _ = person("one@example.com"), person("two@example.com")
    mine, others = sign_in("one@example.com").json, sign_in("two@example.com").json
    assert me(app, mine["access"]) == me(app, others["access"]) == 200
    end(one)
    assert me(app, mine["access"]) == 401 and me(app, others["access"]) == 200
    assert client.post(f"{JWT}/refresh/", json={"refresh": mine["refresh"]}).status_code == 401
    assert client.post(f"{JWT}/refresh/", json={"refresh": others["refresh"]}).status_code == 200
    with app.app_context(), transaction() as session:
        assert session.get_one(User, one).token_version == 1
        assert session.scalar(select(func.count()).select_from(RefreshFamily)) == 1
        assert session.scalar(select(func.count()).select_from(SingleUseToken)) == 0


def test_nothing_ends_when_the_transaction_is_rolled_back(app, person, sign_in, end):
    user_id, tokens = person(), sign_in().json
    with app.app_context(), pytest.raises(ZeroDivisionError), transaction() as session:
        end_sign_ins(session, user_id)
        _ = 1 // 0
    assert me(app, tokens["access"]) == 200


def test_another_process_refuses_the_token_when_it_asks_again(app, other_process, person, sign_in, end):
    user_id, access = person(), sign_in().json["access"]
    assert me(other_process, access) == 200
    end(user_id)
    assert me(other_process, access) == 401


@pytest.mark.parametrize("columns", [{"is_active": False}, {"token_version": 5}])
def test_a_closed_account_and_a_raised_version_are_seen_by_the_recheck(
    other_process, person, sign_in, change, columns
):
    user_id, access = person(), sign_in().json["access"]
    assert me(other_process, access) == 200
    change(user_id, **columns)
    assert me(other_process, access) == 401


def test_a_token_costs_one_query_at_first_sight_and_none_after_it(app, person, sign_in):
    person()
    access = sign_in().json["access"]
    tokens = app.extensions["nexus"].tokens
    with app.app_context(), count_queries(app) as first:
        tokens.actor(access)
    with app.app_context(), count_queries(app) as later:
        for _ in range(100):
            tokens.actor(access)
    assert (len(first), len(later)) == (1, 0), str(first)


def test_signing_in_and_refreshing_ask_nobody_for_claims(app, person, sign_in, client):
    person()
    sign_in()
    with count_queries(app) as queries:
        reply = sign_in()
    assert len(queries) == 2, str(queries)
    with count_queries(app) as queries:
        client.post(f"{JWT}/refresh/", json={"refresh": reply.json["refresh"]})
    assert len(queries) == 1, str(queries)


def test_many_tokens_are_judged_with_one_query(app, person):
    people = [person(f"p{number}@example.com", token_version=number % 2) for number in range(20)]
    with app.app_context(), count_queries(app) as queries:
        said = [(user_id, sign_in_claim(0)) for user_id in people]
        assert SignInClaim().holding(said) == [number % 2 == 0 for number in range(20)]
    assert len(queries) == 1


def test_signing_out_ends_the_devices_access_tokens_and_no_others(app, person, sign_in, client):
    person()
    phone, laptop = sign_in().json, sign_in().json
    refreshed = client.post(f"{JWT}/refresh/", json={"refresh": phone["refresh"]}).json
    for access in (phone["access"], refreshed["access"], laptop["access"]):
        assert me(app, access) == 200
    client.post(f"{JWT}/logout/", json={"refresh": refreshed["refresh"]})
    assert [me(app, held["access"]) for held in (phone, refreshed, laptop)] == [401, 401, 200]


def test_a_spent_refresh_token_that_comes_again_ends_the_access_tokens_too(app, person, sign_in, client):
    person()
    stolen = sign_in().json
    newer = client.post(f"{JWT}/refresh/", json={"refresh": stolen["refresh"]}).json
    assert me(app, newer["access"]) == 200
    client.post(f"{JWT}/refresh/", json={"refresh": stolen["refresh"]})
    assert me(app, newer["access"]) == me(app, stolen["access"]) == 401


def test_verifying_sees_a_revocation_at_once(other_process, person, sign_in, end):
    user_id, access = person(), sign_in().json["access"]
    ask = other_process.test_client().post
    assert ask(f"{JWT}/verify/", json={"token": access}).status_code == 200
    end(user_id)
    assert ask(f"{JWT}/verify/", json={"token": access}).status_code == 401


@pytest.mark.parametrize(
    "claim",
    [None, 7, "x", [], {}, {"token_version": None}, {"token_version": "x"}, {"token_version": 0, "family": 7},
     {"token_version": 0, "family": "x"}, {"token_version": 1}, {"token_version": -1}],
)  # fmt: skip
def test_a_signed_token_with_another_claim_opens_nothing(app, person, claim):
    with app.app_context():
        claims = {} if claim is None else {"accounts.sign_in": claim}
        token = create_access_token(str(person()), additional_claims=claims)
    assert me(app, token) == 401


def test_a_token_of_nobody_opens_nothing(app):
    with app.app_context():
        assert me(app, issue_access_token(new_id(), [])) == 401


def test_a_token_issued_elsewhere_carries_the_persons_version(app, person, end):
    user_id = person()
    with app.app_context():
        access = issue_access_token(user_id, ["staff"])
    assert me(app, access) == 200
    end(user_id)
    assert me(app, access) == 401


def test_a_token_of_the_test_tools_ends_like_any_other(app, client, person, end):
    user_id = person()
    headers = auth_headers(app, person_id=user_id)
    assert client.get("/api/auth/users/me/", headers=headers).status_code == 200
    end(user_id)
    assert client.get("/api/auth/users/me/", headers=headers).status_code == 401


def test_a_sign_in_that_overlaps_a_revocation_gets_nothing_that_holds(app, person, password, change):
    user_id = person()

    def sign_in():
        body = {"email": "abebe@example.com", "password": password}
        return app.test_client().post(f"{JWT}/create/", json=body).json

    def revoke():
        with app.app_context(), transaction() as session:
            end_sign_ins(session, user_id)

    *held, _ = in_threads([sign_in, sign_in, sign_in, revoke])
    with app.app_context(), transaction() as session:
        version = session.get_one(User, user_id).token_version
    for tokens in held:
        with app.app_context():
            said = verified_claims(tokens["access"], "access")["accounts.sign_in"]["token_version"]
        assert (me(app, tokens["access"]) == 200) == (said == version)
