"""`nexus accounts ...`, as the command line runs it: inside an application context."""

import json

import pytest
from click.testing import CliRunner
from nexus_accounts.commands import accounts
from nexus_accounts.models import User
from nexus_accounts.plugin import nexus_seeds
from sqlalchemy import select

from nexus_kernel import transaction
from nexus_kernel.testing import drain, in_threads


@pytest.fixture
def run(app):
    def invoke(*arguments, typed=None):
        with app.app_context():
            return CliRunner().invoke(accounts, arguments, input=typed)

    return invoke


def users(app) -> dict[str, User]:
    with app.app_context(), transaction() as session:
        return {user.email: user for user in session.scalars(select(User))}


def test_create_makes_a_verified_account_with_roles(app, run, sign_in, password):
    arguments = ("create", "--email", "Seller@Example.com", "--role", "seller", "--role", "staff")
    result = run(*arguments, "--password-stdin", typed=f"{password}\n")
    assert result.exit_code == 0, result.output
    (user,) = users(app).values()
    assert (user.roles, user.email_verified_at is not None) == (["seller", "staff"], True)
    assert sign_in("seller@example.com").status_code == 200


def test_create_admin_prompts_twice_and_never_shows_the_password(app, run, password):
    result = run("create-admin", "--email", "root@example.com", typed=f"{password}\n{password}\n")
    assert result.exit_code == 0, result.output
    assert password not in result.output
    assert users(app)["root@example.com"].roles == ["admin"]


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("create", "--email", "nonsense"), "correct-horse-battery", "--email"),
        (("create", "--email", "a@example.com", "--role", "member"), "correct-horse-battery", "--role"),
        (("create", "--email", "a@example.com", "--role", "emperor"), "correct-horse-battery", "known are"),
        (("create", "--email", "a@example.com"), "password", "common"),
        (("create", "--email", "a@example.com"), "", "at least 8"),
        (("create", "--email", "a@example.com"), "x" * 129, "at most 128"),
        (("create-admin", "--email", "KNOWN@example.com"), "correct-horse-battery", "already"),
    ],
)
def test_what_cannot_be_created_is_refused_in_a_sentence(app, run, person, arguments, typed, sentence):
    person("known@example.com")
    result = run(*arguments, "--password-stdin", typed=f"{typed}\n")
    assert result.exit_code != 0
    assert sentence in result.output and "Traceback" not in result.output
    assert users(app).keys() == {"known@example.com"}


def test_list_shows_address_roles_and_state(run, person):
    person("admin@example.com", roles=["admin"])
    person("new@example.com", email_verified_at=None)
    person("gone@example.com", is_active=False)
    assert run("list").output.splitlines() == [
        "admin@example.com\tadmin",
        "new@example.com\tmember\tunverified",
        "gone@example.com\tmember\tinactive",
    ]


def test_roles_are_granted_and_taken_away_by_address_or_id(app, run, person, sign_in, client, acts):
    user_id = person()
    refresh = sign_in().json["refresh"]
    result = run("grant", "ABEBE@example.com", "seller")
    assert (result.exit_code, result.output) == (0, "ABEBE@example.com has the role seller\n")
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 401
    assert run("grant", str(user_id), "admin").exit_code == 0
    assert users(app)["abebe@example.com"].roles == ["admin", "seller"]
    assert run("revoke", "abebe@example.com", "seller").exit_code == 0
    assert users(app)["abebe@example.com"].roles == ["admin"]
    assert acts(user_id)[-3:] == ["role_granted", "role_granted", "role_revoked"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("grant", "nobody@example.com", "seller"), "nobody here is nobody@example.com"),
        (("grant", "019aaaaa-0000-7000-8000-000000000000", "seller"), "nobody here"),
        (("grant", "not an address", "seller"), "nobody here"),
        (("grant", "root@example.com", "emperor"), "Known roles are"),
        (("revoke", "root@example.com", "seller"), "does not have the role"),
        (("revoke", "root@example.com", "admin"), "the last admin"),
        (("erase", "root@example.com", "--yes"), "the last admin"),
        (("erase", "nobody@example.com", "--yes"), "nobody here"),
        (("export", "nobody@example.com"), "nobody here"),
        (("revoke-sessions", "nobody@example.com"), "nobody here"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_exit_code_1(app, run, person, arguments, sentence):
    person("root@example.com", roles=["admin"])
    result = run(*arguments)
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert sentence in result.output
    assert users(app)["root@example.com"].roles == ["admin"]


def test_sign_ins_are_ended(run, person, sign_in, client):
    person()
    refresh = sign_in().json["refresh"]
    assert run("revoke-sessions", "abebe@example.com").exit_code == 0
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 401


def test_an_export_goes_to_standard_output_or_to_a_file(run, person, tmp_path, diary):
    user_id = person(first_name="Abebe")
    document = json.loads(run("export", "abebe@example.com").stdout)
    assert document["person_id"] == str(user_id)
    assert document["sections"]["accounts"]["account"]["first_name"] == "Abebe"
    target = tmp_path / "abebe.json"
    assert run("export", str(user_id), "--output", str(target)).exit_code == 0
    assert json.loads(target.read_bytes())["sections"].keys() == {"accounts", "diary"}
    diary.fails = [RuntimeError("no ink")]
    result = run("export", str(user_id))
    assert result.exit_code == 1 and "diary" in result.output


def test_a_person_is_erased_once_the_operator_is_sure(app, run, person, diary):
    user_id = person()
    assert run("erase", "abebe@example.com", typed="n\n").exit_code == 1
    assert "abebe@example.com" in users(app)
    result = run("erase", "abebe@example.com", typed="y\n")
    assert result.exit_code == 0 and str(user_id) in result.output
    drain(app)
    assert diary.erased == [user_id]
    assert users(app).keys() == {f"erased-{user_id}@erased.invalid"}
    assert run("erase", str(user_id), "--yes").exit_code == 1


def test_demo_prints_one_json_object_with_credentials_that_work(run, sign_in, app):
    made = json.loads(run("demo").stdout)["accounts"]
    assert made.keys() == {"admin", "seller", "buyer"}
    for account in made.values():
        assert sign_in(account["email"], account["password"]).status_code == 200
    found = users(app)
    assert {name: found[f"{name}@example.com"].roles for name in made} == {
        "admin": ["admin"],
        "seller": ["seller"],
        "buyer": [],
    }
    assert all(user.email_verified_at for user in found.values())


def test_demo_again_renews_the_passwords_and_ends_old_sessions(run, sign_in, client, app):
    old = json.loads(run("demo").stdout)["accounts"]["buyer"]
    refresh = sign_in(old["email"], old["password"]).json["refresh"]
    new = json.loads(run("demo").stdout)["accounts"]["buyer"]
    assert old["password"] != new["password"]
    assert sign_in(old["email"], old["password"]).status_code == 401
    assert sign_in(new["email"], new["password"]).status_code == 200
    assert client.post("/api/auth/jwt/refresh/", json={"refresh": refresh}).status_code == 401
    assert len(users(app)) == 3


def test_demo_twice_at_once_makes_three_accounts(app):
    def invoke():
        with app.app_context():
            accounts.main(["demo"], standalone_mode=False)

    in_threads([invoke] * 3)
    assert len(users(app)) == 3


@pytest.mark.parametrize("nexus_config", [{"kernel": {"environment": "production"}}])
def test_demo_is_refused_in_production(app, run):
    result = run("demo")
    assert result.exit_code != 0 and "production" in result.output
    assert users(app) == {}


def test_the_demo_accounts_are_a_seed():
    (seed,) = nexus_seeds()
    assert (seed.name, seed.command, seed.order) == ("demo accounts", ("accounts", "demo"), 0)
