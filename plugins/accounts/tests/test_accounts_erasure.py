"""Erasing a person leaves an id, is finished whatever breaks, and frees the address."""

import pytest
from nexus_accounts.models import ApiKey, Profile, RefreshFamily, SellerApplication, SingleUseToken, User
from sqlalchemy import func, select, text

from nexus_kernel import new_id, reading, transaction
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads

ME = "/api/auth/users/me/"
USERS = "/api/auth/users/"
EXPORT = "/api/accounts/me/export/"


@pytest.fixture
def abebe(app, client, person):
    """A person with everything that accounts keep; their id and headers."""
    user_id = person(
        username="abebe", username_key="abebe", first_name="Abebe", last_name="Bikila", roles=["staff"]
    )
    headers = auth_headers(app, "staff", person_id=user_id)
    client.patch(ME, json={"profile": {"phone": "+251 911 234567", "bio": "Runs"}}, headers=headers)
    client.post(
        "/api/accounts/api_keys/", json={"name": "till", "scopes": ["accounts.me.read"]}, headers=headers
    )
    client.post("/api/accounts/seller_applications/", json={"shop_name": "Shoes"}, headers=headers)
    return user_id, headers


@pytest.fixture
def erase(client, password):
    def send(headers, **body):
        return client.delete(ME, json=body or {"current_password": password}, headers=headers)

    return send


def due_again(app) -> None:
    with app.app_context(), transaction() as session:
        session.execute(
            text("UPDATE nexus_delivery SET available_at = clock_timestamp() WHERE done_at IS NULL")
        )


def test_nothing_of_a_person_is_left_but_the_id(app, client, abebe, sign_in, erase):
    user_id, headers = abebe
    refresh = sign_in().json["refresh"]
    reply = erase(headers)
    assert (reply.status_code, reply.data) == (204, b"")
    with app.app_context(), reading() as session:
        user = session.get_one(User, user_id)
        profile = session.get_one(Profile, user_id)
        left = {
            model.__tablename__: session.scalar(select(func.count()).select_from(model))
            for model in (RefreshFamily, SingleUseToken, ApiKey, SellerApplication)
        }
        said = session.scalar(text("SELECT accounts_user::text FROM accounts_user"))
    assert (user.email, user.username, user.first_name, user.last_name, user.roles) == (
        f"erased-{user_id}@erased.invalid", None, "", "", [],
    )  # fmt: skip
    assert user.erased_at and not user.is_active and user.email_verified_at is None
    assert (profile.phone, profile.bio) == ("", "")
    assert set(left.values()) == {0}, left
    assert "abebe" not in said.lower() and "argon2" not in said
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 401
    assert sign_in().status_code == 401


def test_an_erased_persons_token_does_not_hold_and_staff_do_not_see_them(app, client, abebe, person, erase):
    user_id, headers = abebe
    erase(headers)
    reply = client.get(ME, headers=headers)
    assert reply.status_code == 401
    assert client.get(EXPORT, headers=headers).status_code == 401
    boss = person("boss@example.com", roles=["admin"])
    seen = auth_headers(app, "admin", person_id=boss)
    assert client.get(f"{USERS}{user_id}/", headers=seen).status_code == 404
    assert client.get(USERS, headers=seen).json["count"] == 1
    assert client.post(f"{USERS}{user_id}/erase/", headers=seen).status_code == 404


def test_the_address_can_be_registered_again_as_a_new_person(app, client, abebe, register, mailbox, erase):
    user_id, headers = abebe
    erase(headers)
    assert register("ABEBE@example.com", username="abebe").status_code == 201
    (registered,) = mailbox().registered
    assert registered.user_id != user_id
    activation = {"uid": registered.uid, "token": registered.token}
    assert client.post(f"{USERS}activation/", json=activation).status_code == 204


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"current_password": "something-else"}, "accounts.wrong_password"),
        ({"current_password": ""}, "kernel.invalid"),
        ({"current_password": None}, "kernel.invalid"),
        ({"current_password": ["x"]}, "kernel.invalid"),
        ({"password": "x"}, "kernel.invalid"),
        ({"current_password": "correct-horse-battery", "force": True}, "kernel.invalid"),
    ],
)
def test_without_the_password_nobody_is_erased(client, abebe, erase, body, code):
    _, headers = abebe
    reply = erase(headers, **body)
    assert (reply.status_code, reply.json["code"]) == (422, code)
    assert client.get(ME, headers=headers).status_code == 200
    assert client.delete(ME, headers=headers).status_code == 422


def test_two_requests_at_once_erase_once(app, abebe, password, mailbox, diary, acts):
    user_id, headers = abebe
    body = {"current_password": password}
    calls = [lambda: app.test_client().delete(ME, json=body, headers=headers).status_code] * 4
    assert sorted(in_threads(calls)) == [204, 401, 401, 401]
    drain(app)
    assert diary.erased == [user_id]
    assert acts(user_id).count("erased") == 1


def test_every_plugin_forgets_the_person(app, abebe, erase, diary, acts):
    user_id, headers = abebe
    erase(headers)
    assert diary.erased == []
    drain(app)
    assert diary.erased == [user_id]
    assert acts(user_id)[-3:].count("data_erased") == 2


class Killed(BaseException):
    """The worker ends here."""


def test_a_worker_killed_in_the_middle_leaves_the_rest_to_the_next(app, abebe, erase, diary, acts):
    user_id, headers = abebe
    erase(headers)
    diary.fails = [Killed()]
    with pytest.raises(Killed):
        drain(app)
    assert diary.erased == [] and "diary" not in acts(user_id)
    drain(app)
    assert diary.erased == [user_id] and acts(user_id).count("diary") == 1


def test_a_handler_that_fails_is_tried_again_and_keeps_nobody_waiting(app, abebe, erase, diary, acts):
    user_id, headers = abebe
    erase(headers)
    diary.fails = [RuntimeError("no ink"), RuntimeError("no ink")]
    drain(app)
    assert acts(user_id).count("data_erased") == 1
    due_again(app)
    drain(app)
    due_again(app)
    drain(app)
    assert diary.erased == [user_id]
    assert (acts(user_id).count("data_erased"), acts(user_id).count("diary")) == (2, 1)


def test_a_handler_of_a_plugin_that_is_gone_stays_due(app, abebe, erase, monkeypatch):
    _, headers = abebe
    erase(headers)
    monkeypatch.delitem(app.extensions["nexus"].data_subjects._entries, "diary")
    drain(app)
    with app.app_context(), reading() as session:
        (error,) = session.scalars(text("SELECT error FROM nexus_delivery WHERE done_at IS NULL"))
    assert "is its plugin disabled" in error


def test_a_handler_that_runs_twice_does_no_harm(app, abebe, erase):
    user_id, headers = abebe
    erase(headers)
    handler = app.extensions["nexus"].data_subjects["accounts"]
    seen = []
    for _ in range(2):
        with app.app_context(), transaction() as session:
            handler.erase(user_id)
            columns = text("SELECT email, email_key, erased_at, is_active, token_version FROM accounts_user")
            seen.append(session.execute(columns).all())
    assert seen[0] == seen[1]


def test_staff_erase_a_person_who_asked_but_no_admin_and_not_themselves(app, client, person, diary, acts):
    user_id, boss = person(), person("boss@example.com", roles=["admin"])
    clerk = person("clerk@example.com", roles=["staff"])
    headers = auth_headers(app, "staff", person_id=clerk)
    assert client.post(f"{USERS}{user_id}/erase/", headers=headers).status_code == 204
    drain(app)
    assert diary.erased == [user_id] and "erased" in acts(user_id)
    refused = {target: client.post(f"{USERS}{target}/erase/", headers=headers) for target in (boss, clerk)}
    assert [r.json["code"] for r in refused.values()] == ["accounts.admin_protected", "accounts.own_account"]
    assert client.post(f"{USERS}{new_id()}/erase/", headers=headers).status_code == 404
    member = auth_headers(app, person_id=person("m@example.com"))
    assert client.post(f"{USERS}{clerk}/erase/", headers=member).status_code == 403


def test_the_last_admin_cannot_leave(app, client, person, erase):
    headers = auth_headers(app, "admin", person_id=person(roles=["admin"]))
    reply = erase(headers)
    assert (reply.status_code, reply.json["code"]) == (409, "accounts.last_admin")


def test_the_export_has_a_section_a_plugin_and_no_secret(client, abebe, acts):
    user_id, headers = abebe
    reply = client.get(EXPORT, headers=headers)
    assert reply.status_code == 200
    assert reply.headers["Cache-Control"] == "no-store"
    assert "attachment" in reply.headers["Content-Disposition"]
    assert reply.json["person_id"] == str(user_id) and reply.json["exported_at"]
    sections = reply.json["sections"]
    assert sections.keys() == {"accounts", "diary"} and sections["diary"] == {"pages": [f"about {user_id}"]}
    account = sections["accounts"]["account"]
    assert (account["email"], account["phone"], account["last_name"]) == (
        "abebe@example.com", "+251 911 234567", "Bikila",
    )  # fmt: skip
    assert sections["accounts"]["api_keys"][0]["name"] == "till"
    assert sections["accounts"]["seller_applications"][0]["shop_name"] == "Shoes"
    assert "argon2" not in reply.text and "secret" not in reply.text
    assert acts(user_id)[-1] == "exported"


def test_the_export_costs_the_same_however_much_there_is(app, client, abebe, sign_in):
    _, headers = abebe

    def cost() -> int:
        with count_queries(app) as queries:
            assert client.get(EXPORT, headers=headers).status_code == 200
        return len(queries)

    few = cost()
    for _ in range(3):
        sign_in()
    assert cost() == few <= 7


def test_an_export_that_would_lack_a_section_is_none(client, abebe, diary, acts):
    user_id, headers = abebe
    diary.fails = [RuntimeError("no ink")]
    reply = client.get(EXPORT, headers=headers)
    assert (reply.status_code, reply.json["code"]) == (503, "accounts.export_failed")
    assert "exported" not in acts(user_id)
