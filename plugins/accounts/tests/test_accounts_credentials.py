"""A new password by mail, another password, another address: each by a link of its own kind, once."""

import json
from datetime import timedelta

import pytest
from nexus_accounts.models import EMAIL_CHANGE, SingleUseToken, User
from sqlalchemy import func, select, update

from nexus_kernel import transaction
from nexus_kernel.contracts.accounts import EmailChanged, PasswordChanged
from nexus_kernel.testing import count_queries, drain, in_threads

USERS, JWT = "/api/auth/users", "/api/auth/jwt"
OLD, NEW = "abebe@example.com", "bikila@example.com"
FRESH = "another-long-secret"
NOBODY = "019aaaaa-0000-7000-8000-000000000000"


class Visitor:
    """What a person does with a client."""

    def __init__(self, app, password: str) -> None:
        self.app, self.client, self.password = app, app.test_client(), password

    def post(self, path: str, access: str | None = None, **body):
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        data = json.dumps(body)
        return self.client.post(
            f"/api/auth/{path}/", data=data, content_type="application/json", headers=headers
        )

    def sign_in(self, email: str = OLD, password: str | None = None):
        return self.post("jwt/create", email=email, password=password or self.password)

    def ask_reset(self, email: str = OLD):
        return self.post("users/reset_password", email=email)

    def reset(self, mail, password: str = FRESH, **changes):
        body = {"uid": mail.uid, "token": mail.token, "new_password": password, "re_new_password": password}
        return self.post("users/reset_password_confirm", **{**body, **changes})

    def set_password(self, access: str, password: str = FRESH, current: str | None = None, **changes):
        body = {"current_password": current or self.password, "new_password": password}
        return self.post("users/set_password", access, **{**body, "re_new_password": password, **changes})

    def set_email(self, access: str, email: str = NEW, current: str | None = None):
        return self.post(
            "users/set_email", access, new_email=email, current_password=current or self.password
        )

    def confirm_email(self, mail):
        return self.post("users/set_email_confirm", uid=mail.uid, token=mail.token)

    def me(self, access: str):
        return self.client.get(f"{USERS}/me/", headers={"Authorization": f"Bearer {access}"})

    def refresh(self, token: str):
        return self.post("jwt/refresh", refresh=token)


@pytest.fixture
def visitor(app, password):
    return Visitor(app, password)


@pytest.fixture
def tokens(person, visitor):
    person(OLD)
    return visitor.sign_in().json


@pytest.fixture
def links(app):
    """How many links there are, and how to make them older."""

    def shift(**delta) -> int:
        row, past = SingleUseToken, timedelta(**delta)
        with app.app_context(), transaction() as session:
            older = {"issued_at": row.issued_at - past, "expires_at": row.expires_at - past}
            session.execute(update(row).values(older))
            return session.scalar(select(func.count()).select_from(row))

    return shift


def user(app, email: str = OLD) -> User:
    with app.app_context(), transaction() as session:
        return session.scalars(select(User).where(User.email == email)).one()


class TestResetting:
    @pytest.fixture
    def mail(self, tokens, visitor, mailbox):
        assert visitor.ask_reset().status_code == 204
        (mail,) = mailbox().resets
        return mail

    def test_the_mailed_link_sets_the_password_once(self, mail, visitor):
        assert visitor.reset(mail).status_code == 204
        assert visitor.sign_in(password=FRESH).status_code == 200
        assert visitor.sign_in().status_code == 401
        again = visitor.reset(mail, "yet-another-secret")
        assert (again.status_code, again.json["code"]) == (422, "accounts.invalid_link")

    def test_ten_at_once_set_one_password(self, app, mail, visitor):
        words = [f"another-long-secret-{number}" for number in range(10)]
        replies = in_threads([lambda w=word: Visitor(app, w).reset(mail, w) for word in words])
        assert sorted(reply.status_code for reply in replies) == [204] + [422] * 9
        assert [visitor.sign_in(password=word).status_code for word in words].count(200) == 1

    def test_every_device_ends_and_the_person_is_told(self, mail, tokens, visitor, mailbox):
        visitor.reset(mail)
        assert visitor.me(tokens["access"]).status_code == 401
        assert visitor.refresh(tokens["refresh"]).status_code == 401
        assert [(type(n), n.email) for n in mailbox().notices] == [(PasswordChanged, OLD)]

    @pytest.mark.parametrize("changes", [{"token": "wrong"}, {"uid": NOBODY}, {"token": "x" * 4096}])
    def test_a_wrong_link_is_refused_without_hashing(self, mail, visitor, changes, monkeypatch):
        monkeypatch.setattr(
            "nexus_accounts.services.credentials.hash_password", lambda word: pytest.fail("hashed")
        )
        reply = visitor.reset(mail, **changes)
        assert (reply.status_code, reply.json["code"]) == (422, "accounts.invalid_link")

    def test_a_link_ends_after_an_hour(self, mail, visitor, links):
        links(minutes=61)
        assert visitor.reset(mail).status_code == 422

    @pytest.mark.parametrize("weak", ["short7!", "8675309421", "iloveyou", "abebe@example"])
    def test_a_weak_password_is_refused_and_the_link_still_works(self, mail, visitor, weak):
        reply = visitor.reset(mail, weak)
        assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "new_password")
        assert visitor.reset(mail).status_code == 204

    def test_two_passwords_that_differ_are_refused(self, mail, visitor):
        reply = visitor.reset(mail, re_new_password="something-else")
        assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "re_new_password")

    def test_an_account_that_was_closed_meanwhile_gets_no_password(self, app, mail, visitor, change):
        change(mail.user_id, is_active=False)
        assert visitor.reset(mail).status_code == 422

    def test_an_address_gets_one_mail_a_minute_and_five_links_work(self, tokens, visitor, mailbox, links):
        for _ in range(6):
            visitor.ask_reset()
            mailbox()
            assert links(seconds=61) <= 5
        oldest, *_, newest = mailbox().resets
        assert len(mailbox().resets) == 6
        visitor.ask_reset()
        visitor.ask_reset("ABEBE@example.com")
        assert len(mailbox().resets) == 7
        assert visitor.reset(oldest).status_code == 422
        assert visitor.reset(newest).status_code == 204

    def test_unknown_and_closed_addresses_are_answered_alike_and_nobody_is_mailed(
        self, app, person, visitor, mailbox
    ):
        person(OLD)
        person("closed@example.com", is_active=False)
        statements = set()
        for email in (OLD, "closed@example.com", "unknown@example.com"):
            with count_queries(app) as queries:
                reply = visitor.ask_reset(email)
            assert (reply.status_code, reply.data) == (204, b"")
            statements.add(tuple(queries.statements))
        assert len(statements) == 1
        assert [mail.email for mail in mailbox().resets] == [OLD]

    def test_the_mail_goes_to_the_address_that_was_registered(self, person, visitor, mailbox):
        person("kebede@example.com")
        visitor.ask_reset("\u212aebede@example.com")
        assert [mail.email for mail in mailbox().resets] == ["kebede@example.com"]

    def test_it_proves_a_disputed_address_and_ends_the_dispute(self, app, register, visitor, mailbox):
        register(OLD, password="strangers-long-secret", re_password="strangers-long-secret")
        register(OLD, password="owners-long-secret", re_password="owners-long-secret")
        assert user(app).contested
        visitor.ask_reset()
        (mail,) = mailbox().resets
        assert visitor.reset(mail).status_code == 204
        assert (user(app).contested, user(app).email_verified_at is None) == (False, False)
        assert [event.user_id for event in mailbox().activated] == [mail.user_id]
        assert visitor.sign_in(password="strangers-long-secret").status_code == 401
        (registered,) = mailbox().registered
        activation = visitor.post("users/activation", uid=registered.uid, token=registered.token)
        assert activation.status_code == 422


class TestChangingThePassword:
    def test_the_new_one_holds_the_old_one_does_not_and_every_device_ends(self, tokens, visitor, mailbox):
        other = visitor.sign_in().json
        assert visitor.set_password(tokens["access"]).status_code == 204
        assert visitor.sign_in(password=FRESH).status_code == 200
        assert visitor.sign_in().status_code == 401
        for held in (tokens, other):
            assert visitor.me(held["access"]).status_code == 401
            assert visitor.refresh(held["refresh"]).status_code == 401
        assert [(type(n), n.email) for n in mailbox().notices] == [(PasswordChanged, OLD)]

    def test_the_current_one_is_asked_for(self, app, tokens, visitor):
        before = user(app).password_hash
        reply = visitor.set_password(tokens["access"], current="a-wrong-password")
        assert (reply.status_code, reply.json["code"]) == (422, "accounts.wrong_password")
        assert reply.json["errors"][0]["path"] == "current_password"
        assert user(app).password_hash == before and visitor.me(tokens["access"]).status_code == 200

    def test_of_eight_at_once_one_wins(self, app, tokens, visitor):
        words = [f"another-long-secret-{number}" for number in range(8)]
        calls = [lambda w=word: visitor.set_password(tokens["access"], w).status_code for word in words]
        statuses = in_threads(calls)
        assert statuses.count(204) == 1 and set(statuses) <= {204, 401, 422}
        good = [word for word, status in zip(words, statuses, strict=True) if status == 204]
        assert visitor.sign_in(password=good[0]).status_code == 200

    @pytest.mark.parametrize("weak", ["short7!", "8675309421", "iloveyou", "abebe@example"])
    def test_a_weak_one_is_refused_by_name(self, tokens, visitor, weak):
        reply = visitor.set_password(tokens["access"], weak)
        assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "new_password")

    def test_nobody_signed_in_changes_nothing(self, visitor):
        assert visitor.post("users/set_password").status_code == 401
        assert visitor.post("users/set_email").status_code == 401


class TestChangingTheAddress:
    @pytest.fixture
    def mail(self, tokens, visitor, mailbox):
        assert visitor.set_email(tokens["access"]).status_code == 204
        (mail,) = mailbox().changes
        return mail

    def test_the_new_address_gets_the_link_and_the_old_one_the_notice(self, app, mail, visitor, mailbox):
        assert mail.email == NEW
        assert visitor.sign_in(OLD).status_code == 200, "changed before it was confirmed"
        assert visitor.confirm_email(mail).status_code == 204
        assert visitor.sign_in(NEW).status_code == 200 and visitor.sign_in(OLD).status_code == 401
        assert user(app, NEW).email_verified_at is not None
        (notice,) = mailbox().notices
        assert isinstance(notice, EmailChanged) and (notice.old_email, notice.email) == (OLD, NEW)

    def test_every_device_ends(self, mail, tokens, visitor):
        visitor.confirm_email(mail)
        assert visitor.me(tokens["access"]).status_code == 401
        assert visitor.refresh(tokens["refresh"]).status_code == 401

    def test_a_link_is_good_once_and_for_a_day(self, mail, visitor, links):
        links(hours=25)
        assert visitor.confirm_email(mail).status_code == 422
        links(hours=-25)
        assert visitor.confirm_email(mail).status_code == 204
        assert visitor.confirm_email(mail).status_code == 422

    def test_the_current_password_is_asked_for(self, tokens, visitor, mailbox):
        reply = visitor.set_email(tokens["access"], current="a-wrong-password")
        assert (reply.status_code, reply.json["code"]) == (422, "accounts.wrong_password")
        assert mailbox().changes == []

    def test_a_taken_address_is_answered_alike_and_gets_no_link(self, app, tokens, person, visitor, mailbox):
        person("taken@example.com")
        person("closed@example.com", is_active=False)
        visitor.me(tokens["access"])
        statements = set()
        for email in ("free@example.com", "taken@example.com", "Closed@Example.com"):
            with count_queries(app) as queries:
                reply = visitor.set_email(tokens["access"], email)
            assert (reply.status_code, reply.data) == (204, b"")
            statements.add(tuple(queries.statements))
        assert len(statements) == 1
        assert [mail.email for mail in mailbox().changes] == ["free@example.com"]

    def test_an_address_that_was_taken_meanwhile_stays_its_owners(self, app, mail, person, visitor):
        person(NEW)
        reply = visitor.confirm_email(mail)
        assert (reply.status_code, reply.json["code"]) == (422, "accounts.invalid_link")
        assert visitor.sign_in(OLD).status_code == 200

    def test_of_two_who_want_one_address_the_first_to_confirm_gets_it(
        self, app, mail, person, mailbox, visitor
    ):
        person("other@example.com")
        other = visitor.sign_in("other@example.com").json["access"]
        visitor.set_email(other)
        mails = mailbox().changes
        statuses = in_threads([lambda m=m: Visitor(app, "").confirm_email(m).status_code for m in mails])
        assert sorted(statuses) == [204, 422]

    def test_another_spelling_of_the_own_address_is_allowed(self, app, tokens, visitor, mailbox):
        visitor.set_email(tokens["access"], "Abebe@example.com")
        (mail,) = mailbox().changes
        assert visitor.confirm_email(mail).status_code == 204
        assert user(app, "Abebe@example.com").email_key == OLD

    def test_a_disputed_address_is_left_to_the_others(self, app, register, visitor, mailbox):
        register(OLD)
        register(OLD, password="another-secret-word", re_password="another-secret-word")
        visitor.set_email(visitor.sign_in().json["access"])
        visitor.confirm_email(mailbox().changes[0])
        assert not user(app, NEW).contested
        assert register(OLD, password=FRESH, re_password=FRESH).status_code == 201
        assert visitor.sign_in(OLD, FRESH).status_code == 200


def test_a_link_of_one_kind_is_good_for_no_other(app, register, visitor, mailbox):
    register(OLD)
    visitor.ask_reset()
    visitor.set_email(visitor.sign_in().json["access"])
    box = mailbox()
    held = {"activation": box.registered[0], "reset": box.resets[0], "email": box.changes[0]}
    uses = {
        "activation": lambda mail: visitor.post("users/activation", uid=mail.uid, token=mail.token),
        "reset": visitor.reset,
        "email": visitor.confirm_email,
    }
    for kind, mail in held.items():
        for other, use in uses.items():
            if other != kind:
                assert use(mail).status_code == 422, f"a link for {kind} was good for {other}"


@pytest.mark.parametrize("how", ["reset", "set_password", "set_email"])
def test_a_change_ends_every_other_link(app, tokens, visitor, mailbox, links, how):
    visitor.ask_reset()
    visitor.set_email(tokens["access"])
    reset, change = mailbox().resets[0], mailbox().changes[0]
    done = {
        "reset": lambda: visitor.reset(reset),
        "set_password": lambda: visitor.set_password(tokens["access"]),
        "set_email": lambda: visitor.confirm_email(change),
    }[how]()
    assert done.status_code == 204 and links() == 0
    assert visitor.reset(reset).status_code == visitor.confirm_email(change).status_code == 422


def test_links_are_kept_as_hashes_and_a_change_link_with_its_address(app, tokens, visitor, mailbox):
    visitor.ask_reset()
    visitor.set_email(tokens["access"])
    box = mailbox()
    with app.app_context(), transaction() as session:
        rows = session.scalars(select(SingleUseToken)).all()
    assert {row.purpose: row.email for row in rows} == {"password_reset": None, EMAIL_CHANGE: NEW}
    for mail in (box.resets[0], box.changes[0]):
        assert all(mail.token.encode() not in row.token_hash for row in rows)


def test_a_request_that_arrives_twice_at_the_worker_mails_once(app, tokens, visitor, mailbox):
    visitor.ask_reset()
    in_threads([lambda: drain(app)] * 4)
    assert len(mailbox().resets) == 1


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("reset_password", "email"),
        ("reset_password_confirm", "uid"),
        ("reset_password_confirm", "token"),
        ("reset_password_confirm", "new_password"),
        ("set_email_confirm", "token"),
        ("set_password", "current_password"),
        ("set_email", "new_email"),
    ],
)
def test_a_bad_field_is_named(tokens, visitor, path, field):
    twice = {"new_password": FRESH, "re_new_password": FRESH}
    good = {
        "reset_password": {"email": OLD},
        "reset_password_confirm": {"uid": NOBODY, "token": "t", **twice},
        "set_email_confirm": {"uid": NOBODY, "token": "t"},
        "set_password": {"current_password": "x", **twice},
        "set_email": {"new_email": NEW, "current_password": "x"},
    }[path]
    for value in (None, [], {}, 7, 2**31, -1, "", "\x00", "x" * 5000):
        reply = visitor.post(f"users/{path}", tokens["access"], **{**good, field: value})
        assert reply.status_code == 422, reply.text
        assert {field, f"re_{field}"} & {error["path"] for error in reply.json["errors"]}
    broken = visitor.post(f"users/{path}", tokens["access"], **{**good, field: "\ud800"})
    assert broken.status_code == 400
    unknown = visitor.post(f"users/{path}", tokens["access"], **good, surprise=1)
    assert (unknown.status_code, unknown.json["errors"][0]["path"]) == (422, "surprise")
