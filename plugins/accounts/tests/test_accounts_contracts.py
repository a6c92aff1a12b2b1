"""What the plugin promises to others: AccountService, the checkout guard, its tables."""

import logging

import pytest
from nexus_accounts.models import RefreshFamily, SingleUseToken, User
from sqlalchemy import inspect, select, text, update
from sqlalchemy.exc import IntegrityError

from nexus_kernel import Money, current_nexus, migrations, new_id, now, reading, services, transaction
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.orders import Address, Quote
from nexus_kernel.testing import count_queries

DEMANDING = {"accounts": {"require_verified_email": True}}


def check(app, user_id):
    nothing = Money(0, "ETB")
    quote = Quote(
        user_id=user_id,
        lines=(),
        currency="ETB",
        shipping_address=Address(
            address_line="Bole Road 1", city="Addis Ababa", postal_code="1000", country="ET"
        ),
        payment_method="chapa",
        subtotal=nothing,
        discount=nothing,
        shipping=nothing,
        tax=nothing,
    )
    with app.app_context(), count_queries(app) as queries:
        problems = current_nexus().checkout_guards["accounts.verified_email"].check(quote)
    return [problem.code for problem in problems], len(queries)


def test_people_are_looked_up_in_one_query_without_the_unknown_and_the_erased(app, person, change):
    abebe = person("abebe@example.com", roles=["seller"], first_name="Abebe", last_name="Bikila")
    new = person("new@example.com", email_verified_at=None)
    erased = person("erased@example.com")
    change(erased, is_active=False, erased_at=now())
    with app.app_context(), reading(), count_queries(app) as queries:
        people = services.get(AccountService).get_people([abebe, new, erased, new_id(), abebe])
    assert len(queries) == 1, str(queries)
    assert people.keys() == {abebe, new}
    view = people[abebe]
    assert (view.email, view.display_name, view.email_verified, view.roles) == (
        "abebe@example.com",
        "Abebe Bikila",
        True,
        frozenset({"seller"}),
    )
    assert (people[new].email_verified, people[new].display_name) == (False, "new")


def test_looking_nobody_up_takes_no_query(app):
    with app.app_context(), reading(), count_queries(app) as queries:
        assert services.get(AccountService).get_people([]) == {}
    assert len(queries) == 0


def test_by_default_the_guard_lets_everybody_pass_without_a_query(app, person):
    assert check(app, person(email_verified_at=None)) == ([], 0)


@pytest.mark.parametrize("nexus_config", [DEMANDING])
def test_where_it_is_demanded_only_a_confirmed_address_passes_at_one_query(app, person):
    assert check(app, person("new@example.com", email_verified_at=None)) == (
        ["accounts.email_not_verified"],
        1,
    )
    assert check(app, person("verified@example.com")) == ([], 1)
    assert check(app, new_id()) == (["accounts.email_not_verified"], 1)


def test_the_tables_are_those_of_the_models(app):
    assert migrations.check(app) == []


def test_the_plugin_can_be_taken_down_and_put_up_again(app):
    def tables() -> list[str]:
        names = inspect(app.extensions["nexus"].db.engine).get_table_names()
        return [name for name in names if name.startswith("accounts_")]

    before = sorted(tables())
    migrations.downgrade(app, "accounts")
    assert before and tables() == []
    migrations.upgrade(app, "accounts")
    assert sorted(tables()) == before


def test_links_that_carried_a_password_become_disputes_and_back_one_link_a_person_is_left(
    app, client, register, mailbox
):
    for email in ("disputed@example.com", "single@example.com"):
        register(email)
    with app.app_context(), transaction() as session:
        session.execute(
            text("UPDATE accounts_single_use_token SET issued_at = issued_at - interval '1 hour'")
        )
    client.post("/api/auth/users/resend_activation/", json={"email": "single@example.com"})
    newest = mailbox().registered[-1]
    migrations.downgrade(app, "accounts", "accounts_0001")
    with app.app_context(), transaction() as session:
        (kept, _) = session.scalars(text("SELECT user_id FROM accounts_single_use_token ORDER BY 1")).all()
        session.execute(
            text("UPDATE accounts_single_use_token SET password_hash = 'x' WHERE user_id = :id"), {"id": kept}
        )
    migrations.upgrade(app, "accounts")
    with app.app_context(), transaction() as session:
        assert session.scalars(select(User.email).where(User.contested)).all() == ["disputed@example.com"]
    body = {"uid": newest.uid, "token": newest.token}
    assert client.post("/api/auth/users/activation/", json=body).status_code == 204


def test_going_back_leaves_the_links_that_the_earlier_revision_knows(app, client, register, mailbox):
    register()
    client.post("/api/auth/users/reset_password/", json={"email": "abebe@example.com"})
    (mail,) = mailbox().registered
    assert len(mailbox().resets) == 1
    migrations.downgrade(app, "accounts", "accounts_0002")
    with app.app_context(), transaction() as session:
        purposes = session.scalars(text("SELECT purpose FROM accounts_single_use_token")).all()
    assert purposes == ["activation"]
    migrations.upgrade(app, "accounts")
    assert migrations.check(app) == []
    body = {"uid": mail.uid, "token": mail.token}
    assert client.post("/api/auth/users/activation/", json=body).status_code == 204


@pytest.mark.parametrize(
    ("purpose", "email"), [("other", None), ("email_change", None), ("password_reset", "a@example.com")]
)
def test_the_database_refuses_a_link_of_no_purpose_and_one_with_a_stray_address(app, person, purpose, email):
    moment = now()
    link = SingleUseToken(purpose=purpose, email=email, token_hash=b"x", issued_at=moment, expires_at=moment)
    link.user_id = person()
    with app.app_context(), pytest.raises(IntegrityError), transaction() as session:
        session.add(link)


@pytest.mark.parametrize(
    "values",
    [
        {"roles": ["member"]},
        {"email": "x"},
        {"token_version": -1},
        {"username": "abebe"},
        {"erased_at": now()},
        {"email_key": "other@example.com"},
    ],
)
def test_the_database_itself_refuses_what_must_not_be(app, person, values):
    user_id = person()
    person("other@example.com")
    with app.app_context(), pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(values))


def test_no_secret_reaches_the_log_or_the_tables(app, client, register, sign_in, mailbox, password, caplog):
    with caplog.at_level(logging.DEBUG):
        register()
        (mail,) = mailbox().registered
        tokens = sign_in().json
    with app.app_context(), transaction() as session:
        kept = str(session.execute(text("SELECT * FROM accounts_user, accounts_single_use_token")).all())
        kept += str(session.execute(text(f"SELECT * FROM {RefreshFamily.__tablename__}")).all())
    for secret in (password, mail.token, tokens["refresh"], tokens["access"]):
        assert secret not in kept and secret not in caplog.text
