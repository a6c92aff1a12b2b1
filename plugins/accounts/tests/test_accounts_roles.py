"""Roles are granted by those who may, end sign-ins, and leave one admin."""

import pytest
from nexus_accounts.models import AuditEntry, RefreshFamily, User
from sqlalchemy import func, select

from nexus_kernel import new_id, reading
from nexus_kernel.testing import auth_headers, in_threads

USERS = "/api/auth/users/"


@pytest.fixture
def worker(app, person):
    """The headers of a person with these roles."""

    def make(*roles, email=None):
        user_id = person(email or f"{new_id().hex}@example.com", roles=list(roles))
        return auth_headers(app, *roles, person_id=user_id)

    return make


@pytest.fixture
def grant(client):
    return lambda user_id, role, headers: client.post(
        f"{USERS}{user_id}/roles/", json={"role": role}, headers=headers
    )


@pytest.fixture
def take(client):
    return lambda user_id, role, headers: client.delete(f"{USERS}{user_id}/roles/{role}/", headers=headers)


def look(app, user_id) -> User:
    with app.app_context(), reading() as session:
        return session.get_one(User, user_id)


def acts(app, user_id) -> list[tuple[str, dict]]:
    with app.app_context(), reading() as session:
        rows = select(AuditEntry.act, AuditEntry.details).where(AuditEntry.subject_id == user_id)
        return [tuple(row) for row in session.execute(rows.order_by(AuditEntry.created_at, AuditEntry.id))]


@pytest.mark.parametrize(
    ("actor", "role", "status"),
    [
        ("staff", "seller", 200),
        ("staff", "staff", 403),
        ("staff", "admin", 403),
        ("admin", "seller", 200),
        ("admin", "staff", 200),
        ("admin", "admin", 200),
        ("seller", "seller", 403),
    ],
)
def test_staff_make_sellers_and_admins_make_everything(app, person, worker, grant, actor, role, status):
    user_id = person()
    reply = grant(user_id, role, worker(actor))
    assert reply.status_code == status, reply.text
    assert look(app, user_id).roles == ([role] if status == 200 else [])
    if status == 200:
        assert (reply.json["id"], reply.json["roles"]) == (str(user_id), [role])


@pytest.mark.parametrize("role", ["emperor", "member", "Admin", "x" * 50, "ሻጭ"])
def test_a_role_that_nobody_knows_is_refused(app, person, worker, grant, take, role):
    user_id, admin = person(), worker("admin")
    reply = grant(user_id, role, admin)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "role")
    assert reply.json["code"] == "accounts.unknown_role"
    assert take(user_id, role, admin).status_code == 404
    assert look(app, user_id).roles == []


@pytest.mark.parametrize(
    "body", [{}, {"role": None}, {"role": []}, {"role": ""}, {"role": "a\x00"}, {"x": 1}]
)
def test_a_garbled_grant_is_422(client, person, worker, body):
    reply = client.post(f"{USERS}{person()}/roles/", json=body, headers=worker("admin"))
    assert reply.status_code == 422


def test_nobody_who_is_not_there_gets_a_role(worker, grant, take):
    assert grant(new_id(), "seller", worker("admin")).status_code == 404
    assert take(new_id(), "seller", worker("admin")).status_code == 404


def test_a_change_of_roles_ends_sign_ins_and_is_written_down(
    app, client, person, worker, grant, take, sign_in
):
    user_id, admin = person(), worker("admin")
    for change, act in ((grant, "role_granted"), (take, "role_revoked")):
        refresh = sign_in().json["refresh"]
        assert change(user_id, "seller", admin).status_code in (200, 204)
        assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 401
        assert acts(app, user_id)[-1] == (act, {"role": "seller"})


def test_granting_what_is_held_changes_nothing(client, person, worker, grant, take, sign_in):
    user_id = person(roles=["seller"])
    refresh = sign_in().json["refresh"]
    assert grant(user_id, "seller", worker("admin")).json["roles"] == ["seller"]
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 200
    assert take(user_id, "staff", worker("admin")).status_code == 404


def test_staff_change_no_role_of_an_admin_nor_their_own(app, person, worker, grant):
    boss = person("boss@example.com", roles=["admin"])
    reply = grant(boss, "seller", worker("staff"))
    assert (reply.status_code, reply.json["code"]) == (403, "accounts.admin_protected")
    clerk = person("clerk@example.com", roles=["staff"])
    reply = grant(clerk, "seller", auth_headers(app, "staff", person_id=clerk))
    assert (reply.status_code, reply.json["code"]) == (409, "accounts.own_account")
    assert look(app, clerk).roles == ["staff"]


def test_a_token_of_yesterdays_admin_grants_nothing(app, person, grant):
    fallen, friend = person("fallen@example.com", roles=["staff"]), person()
    reply = grant(friend, "admin", auth_headers(app, "admin", person_id=fallen))
    assert (reply.status_code, look(app, friend).roles) == (403, [])
    closed = person("closed@example.com", roles=["admin"], is_active=False)
    assert grant(friend, "admin", auth_headers(app, "admin", person_id=closed)).status_code == 403


def test_the_last_admin_stays(app, client, person):
    admin = person(roles=["admin"])
    person("closed@example.com", roles=["admin"], is_active=False)
    headers = auth_headers(app, "admin", person_id=admin)
    reply = client.delete(f"{USERS}{admin}/roles/admin/", headers=headers)
    assert (reply.status_code, reply.json["code"]) == (409, "accounts.last_admin")
    other = person("other@example.com", roles=["admin"])
    assert client.delete(f"{USERS}{other}/roles/admin/", headers=headers).status_code == 204
    assert client.delete(f"{USERS}{admin}/roles/admin/", headers=headers).status_code == 409


def admins(app) -> int:
    with app.app_context(), reading() as session:
        held = select(func.count()).where(User.roles.contains(["admin"]), User.is_active)
        return session.scalar(held)


@pytest.mark.parametrize("attempt", range(3))
def test_admins_who_demote_each_other_at_once_leave_one(app, person, attempt):
    ids = [person(f"a{number}@example.com", roles=["admin"]) for number in range(4)]

    def demote(actor, target):
        url = f"{USERS}{target}/roles/admin/"
        return app.test_client().delete(url, headers=auth_headers(app, "admin", person_id=actor)).status_code

    circle = list(zip(ids, [*ids[1:], ids[0]], strict=True))
    answers = in_threads([lambda a=a, t=t: demote(a, t) for a, t in circle])
    assert set(answers) <= {204, 403, 409}, answers
    assert admins(app) == 4 - answers.count(204) >= 1


def test_two_admins_who_leave_at_once_leave_one(app, person, password):
    ids = [person(f"a{number}@example.com", roles=["admin"]) for number in range(2)]

    def leave(user_id):
        headers = auth_headers(app, "admin", person_id=user_id)
        body = {"current_password": password}
        return app.test_client().delete(f"{USERS}me/", json=body, headers=headers).status_code

    assert sorted(in_threads([lambda i=i: leave(i) for i in ids])) == [204, 409]
    assert admins(app) == 1


def test_different_roles_granted_at_once_are_all_kept(app, person):
    user_id, admin = person(), person("admin@example.com", roles=["admin"])
    headers = auth_headers(app, "admin", person_id=admin)

    def grant(role):
        body = {"role": role}
        return app.test_client().post(f"{USERS}{user_id}/roles/", json=body, headers=headers).status_code

    assert in_threads([lambda r=r: grant(r) for r in ("seller", "staff", "admin", "seller")]) == [200] * 4
    assert look(app, user_id).roles == ["admin", "seller", "staff"]
    granted = [details["role"] for act, details in acts(app, user_id) if act == "role_granted"]
    assert sorted(granted) == ["admin", "seller", "staff"]


def test_no_refresh_token_is_left_after_a_change_of_roles(app, person, sign_in, worker, grant):
    user_id = person()
    sign_in()
    grant(user_id, "seller", worker("admin"))
    with app.app_context(), reading() as session:
        assert session.scalar(select(func.count()).select_from(RefreshFamily)) == 0
