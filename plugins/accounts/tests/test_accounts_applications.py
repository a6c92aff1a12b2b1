"""Becoming a seller: asked for by the person, decided once by staff."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nexus_accounts.models import SellerApplication, User
from sqlalchemy import delete, select, update

from nexus_kernel import Manifest, Subscription, hookimpl, new_id, reading, transaction
from nexus_kernel.contracts.accounts import SellerApplicationDecided, SellerApplicationSubmitted
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads

URL = "/api/accounts/seller_applications/"
HEARD: list[object] = []


class Listener:
    MANIFEST = Manifest(name="listener", summary="Hears about applications")

    @hookimpl
    def nexus_subscriptions(self):
        def hear(event, delivery):
            HEARD.append(event)

        return [
            Subscription(SellerApplicationSubmitted, hear, "listener.submitted"),
            Subscription(SellerApplicationDecided, hear, "listener.decided"),
        ]


@pytest.fixture(scope="session")
def nexus_plugins():
    from nexus_accounts import plugin

    return [plugin, Listener()]


@pytest.fixture
def abebe(person):
    return person()


@pytest.fixture
def headers(app, abebe):
    return auth_headers(app, person_id=abebe)


@pytest.fixture
def staff(app, person):
    return auth_headers(app, "staff", person_id=person("clerk@example.com", roles=["staff"]))


@pytest.fixture
def apply(client, headers):
    def post(**body):
        return client.post(URL, json={"shop_name": "Shoes", **body}, headers=headers)

    return post


@pytest.fixture
def decide(app, staff):
    def post(application, verb, headers=staff):
        body = {"reason": "No shoes"} if verb == "decline" else None
        return app.test_client().post(f"{URL}{application['id']}/{verb}/", json=body, headers=headers)

    return post


def roles(app, user_id) -> list[str]:
    with app.app_context(), reading() as session:
        return session.get_one(User, user_id).roles


def test_an_application_waits_for_its_decision(client, abebe, headers, apply):
    reply = apply(message="We make shoes.\nGood ones.")
    assert reply.status_code == 201
    made = reply.json
    assert (made["status"], made["shop_name"], made["user_id"]) == ("pending", "Shoes", str(abebe))
    assert client.get(reply.headers["Location"], headers=headers).json == made
    assert client.get(URL, headers=headers).json["results"] == [made]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("shop_name", {"shop_name": ""}),
        ("shop_name", {"shop_name": None}),
        ("shop_name", {"shop_name": "x" * 101}),
        ("shop_name", {"shop_name": "a\nb"}),
        ("message", {"message": "x" * 2001}),
        ("message", {"message": "a\x00"}),
        ("status", {"status": "approved"}),
        ("user_id", {"user_id": str(new_id())}),
    ],
)
def test_a_bad_application_is_named_and_not_kept(client, headers, apply, path, body):
    reply = apply(**body)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, path)
    assert client.get(URL, headers=headers).json["count"] == 0


def test_one_application_is_open_at_a_time_however_many_are_sent(app, headers, decide, apply):
    body = {"shop_name": "Shoes"}
    calls = [lambda: app.test_client().post(URL, json=body, headers=headers).status_code] * 5
    assert sorted(in_threads(calls)) == [201, 409, 409, 409, 409]
    reply = apply()
    assert (reply.status_code, reply.json["code"]) == (409, "accounts.application_open")
    with app.app_context(), reading() as session:
        application = {"id": session.scalar(select(SellerApplication.id))}
    assert decide(application, "decline").status_code == 200
    assert apply().status_code == 201


def test_the_approval_makes_a_seller_who_signs_in_again(app, client, abebe, apply, decide, sign_in, acts):
    refresh = sign_in().json["refresh"]
    HEARD.clear()
    made = apply().json
    reply = decide(made, "approve")
    assert (reply.status_code, reply.json["status"]) == (200, "approved")
    assert roles(app, abebe) == ["seller"]
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 401
    drain(app)
    submitted, decided = HEARD
    assert (submitted.user_id, str(submitted.application_id)) == (abebe, made["id"])
    assert (decided.user_id, decided.approved, decided.reason) == (abebe, True, "")
    assert acts(abebe)[-2:] == ["role_granted", "seller_approved"]


def test_a_refusal_says_why_and_grants_nothing(app, client, headers, abebe, apply, decide, acts):
    HEARD.clear()
    made = apply().json
    reply = decide(made, "decline")
    assert (reply.json["status"], reply.json["reason"]) == ("declined", "No shoes")
    assert client.get(f"{URL}{made['id']}/", headers=headers).json["reason"] == "No shoes"
    drain(app)
    assert (HEARD[-1].approved, HEARD[-1].reason) == (False, "No shoes")
    assert roles(app, abebe) == [] and acts(abebe)[-1] == "seller_declined"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": None}, {"why": "x"}])
def test_a_refusal_without_a_reason_is_422(client, staff, apply, body):
    reply = client.post(f"{URL}{apply().json['id']}/decline/", json=body, headers=staff)
    assert reply.status_code == 422


@pytest.mark.parametrize("round", range(3))
def test_two_who_decide_at_once_are_one_decision(app, abebe, apply, decide, round):
    made = apply().json
    verbs = ["approve", "decline", "approve", "decline"]
    answers = in_threads([lambda v=v: decide(made, v) for v in verbs])
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409]
    won = next(a.json["status"] for a in answers if a.status_code == 200)
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"accounts.application_decided"}
    assert (roles(app, abebe) == ["seller"]) == (won == "approved")


def test_a_decision_stands(apply, decide):
    made = apply().json
    decide(made, "approve")
    for verb in ("approve", "decline"):
        reply = decide(made, verb)
        assert (reply.status_code, reply.json["status_now"]) == (409, "approved")


def test_a_seller_does_not_apply(app, abebe, change, apply):
    change(abebe, roles=["seller"])
    assert (apply().status_code, apply().json["code"]) == (409, "accounts.already_seller")


def test_members_see_their_own_and_staff_see_and_filter_all(
    app, client, person, headers, staff, apply, decide
):
    mine = apply().json
    other = auth_headers(app, person_id=person("other@example.com"))
    theirs = client.post(URL, json={"shop_name": "Hats"}, headers=other).json
    decide(theirs, "decline")
    assert [a["id"] for a in client.get(URL, headers=headers).json["results"]] == [mine["id"]]
    assert client.get(f"{URL}?user_id={theirs['user_id']}", headers=headers).json["results"] == []
    assert client.get(f"{URL}{theirs['id']}/", headers=headers).status_code == 404
    listed = {
        status: [a["id"] for a in client.get(f"{URL}?status={status}", headers=staff).json["results"]]
        for status in ("pending", "declined", "approved")
    }
    assert listed == {"pending": [mine["id"]], "declined": [theirs["id"]], "approved": []}
    assert client.get(f"{URL}?status=open", headers=staff).status_code == 422
    with count_queries(app) as queries:
        assert client.get(URL, headers=staff).json["count"] == 2
    assert len(queries) == 1, str(queries)


def test_members_decide_nothing_and_staff_not_about_themselves(app, client, person, headers, apply, decide):
    made = apply().json
    assert decide(made, "approve", headers).status_code == 403
    clerk = person("c@example.com", roles=["staff"])
    own = auth_headers(app, "staff", person_id=clerk)
    application = client.post(URL, json={"shop_name": "Mine"}, headers=own).json
    reply = decide(application, "approve", own)
    assert (reply.status_code, reply.json["code"]) == (409, "accounts.own_account")
    assert roles(app, clerk) == ["staff"]


def test_what_is_not_there_is_404(client, staff, headers):
    for verb, body in (("approve", None), ("decline", {"reason": "x"})):
        url = f"{URL}{new_id()}/{verb}/"
        assert client.post(url, json=body, headers=staff).status_code == 404
    assert client.get(f"{URL}{new_id()}/", headers=headers).status_code == 404


VERBS = st.lists(st.sampled_from(["apply", "approve", "decline"]), max_size=8)


@given(verbs=VERBS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_tried_the_machine_holds(app, client, abebe, decide, verbs):
    """pending -> approved | declined; a seller applies no more; at most one application is open."""

    def apply_anew():
        return client.post(URL, json={"shop_name": "Shoes"}, headers=auth_headers(app, person_id=abebe))

    with app.app_context(), transaction() as session:
        session.execute(delete(SellerApplication))
        session.execute(update(User).where(User.id == abebe).values(roles=[]))
    state, seller, last = None, False, {"id": new_id()}
    for verb in verbs:
        if verb == "apply":
            reply, allowed = apply_anew(), state != "pending" and not seller
            expected = 201 if allowed else 409
            if allowed:
                last, state = reply.json, "pending"
        else:
            reply, allowed = decide(last, verb), state == "pending"
            expected = 200 if allowed else 404 if state is None else 409
            if allowed:
                state = {"approve": "approved", "decline": "declined"}[verb]
                seller = seller or verb == "approve"
        assert reply.status_code == expected, (verb, state, reply.text)
        assert roles(app, abebe) == (["seller"] if seller else [])
