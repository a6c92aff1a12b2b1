"""One unverified address that several people registered: it ends with whoever reads its mail."""

from datetime import timedelta

import pytest
from nexus_accounts.models import SingleUseToken, User
from sqlalchemy import select, update

from nexus_kernel import transaction
from nexus_kernel.testing import in_threads

URL = "/api/auth/users/"
EMAIL = "owner@example.com"
OWNERS, STRANGERS, CHOSEN = "owners-long-secret", "strangers-long-secret", "chosen-by-the-reader"


@pytest.fixture
def pause(app):
    """Let the pause between two mails pass."""

    def shift() -> None:
        row, minute = SingleUseToken, timedelta(seconds=61)
        with app.app_context(), transaction() as session:
            session.execute(update(row).values(issued_at=row.issued_at - minute))

    return shift


@pytest.fixture
def sign_up(register, pause):
    """Register the address with a password, and let a minute pass."""

    def post(password: str) -> None:
        assert register(EMAIL, password=password, re_password=password).status_code == 201
        pause()

    return post


@pytest.fixture
def follow(client):
    """Follow the link of a mail."""
    return lambda mail, **fields: client.post(
        f"{URL}activation/", json={"uid": mail.uid, "token": mail.token, **fields}
    )


@pytest.fixture(params=[(STRANGERS, OWNERS), (OWNERS, STRANGERS)], ids=["stranger first", "owner first"])
def mails(request, sign_up, mailbox):
    """The two mails of two registrations, in both orders."""
    for password in request.param:
        sign_up(password)
    return mailbox().registered


def statuses(sign_in, *passwords: str) -> list[int]:
    return [sign_in(EMAIL, password).status_code for password in passwords]


def user(app) -> User:
    with app.app_context(), transaction() as session:
        return session.scalars(select(User)).one()


@pytest.mark.parametrize("which", [0, 1], ids=["first link", "second link"])
def test_no_link_alone_gives_the_account_to_anybody(app, mails, follow, which):
    reply = follow(mails[which])
    assert (reply.status_code, reply.json["code"]) == (422, "accounts.password_required")
    assert reply.json["errors"][0]["path"] == "password"
    assert user(app).email_verified_at is None


@pytest.mark.parametrize("which", [0, 1], ids=["first link", "second link"])
def test_whoever_reads_the_mail_gets_the_account_with_either_link(mails, follow, sign_in, which):
    follow(mails[which])
    assert follow(mails[which], password=OWNERS).status_code == 204
    assert statuses(sign_in, OWNERS, STRANGERS) == [200, 401]


def test_every_device_and_every_other_link_ends_with_the_confirmation(app, client, mails, follow, sign_in):
    first = next(reply for word in (OWNERS, STRANGERS) if (reply := sign_in(EMAIL, word)).status_code == 200)
    assert follow(mails[0], password=CHOSEN).status_code == 204
    refresh = client.post("/api/auth/jwt/refresh/", json={"refresh": first.json["refresh"]})
    assert refresh.status_code == 401
    assert follow(mails[1], password=STRANGERS).status_code == 422
    assert statuses(sign_in, CHOSEN, OWNERS, STRANGERS) == [200, 401, 401]
    assert (user(app).token_version, user(app).contested) == (1, False)


def test_a_second_registration_changes_nothing_by_itself(sign_up, sign_in):
    sign_up(OWNERS)
    sign_up(STRANGERS)
    assert statuses(sign_in, OWNERS, STRANGERS) == [200, 401]


def test_the_mail_of_another_registration_says_so_and_so_do_those_after_it(mails, client, pause, mailbox):
    client.post(f"{URL}resend_activation/", json={"email": EMAIL})
    assert [mail.repeated for mail in mailbox().registered] == [False, True, True]


def test_a_second_registration_within_the_pause_brings_no_mail_but_counts(register, mailbox, follow):
    for password in (STRANGERS, OWNERS):
        register(EMAIL, password=password, re_password=password)
    (mail,) = mailbox().registered
    assert follow(mail).json["code"] == "accounts.password_required"


def test_the_dispute_outlives_the_links_of_those_who_caused_it(app, mails, client, mailbox, follow):
    with app.app_context(), transaction() as session:
        past = timedelta(hours=73)
        row = SingleUseToken
        session.execute(update(row).values(issued_at=row.issued_at - past, expires_at=row.expires_at - past))
    client.post(f"{URL}resend_activation/", json={"email": EMAIL})
    assert follow(mails[0], password=CHOSEN).json["code"] == "accounts.invalid_activation_token"
    assert follow(mailbox().registered[-1]).json["code"] == "accounts.password_required"


def test_the_same_password_twice_is_the_same_person(sign_up, mailbox, follow, sign_in):
    sign_up(OWNERS)
    sign_up(OWNERS)
    first, second = mailbox().registered
    assert not second.repeated
    assert follow(first).status_code == 204
    assert statuses(sign_in, OWNERS) == [200]


def test_a_double_click_on_register_is_no_dispute(app, mailbox, follow):
    body = {"email": EMAIL, "password": OWNERS, "re_password": OWNERS}
    in_threads([lambda: app.test_client().post(URL, json=body)] * 8)
    (mail,) = mailbox().registered
    assert follow(mail).status_code == 204


def test_a_single_registration_may_be_taken_over_by_its_mails_reader(sign_up, mailbox, follow, sign_in):
    sign_up(STRANGERS)
    (mail,) = mailbox().registered
    assert follow(mail, password=OWNERS).status_code == 204
    assert statuses(sign_in, OWNERS, STRANGERS) == [200, 401]


@pytest.mark.parametrize("weak", ["short7!", "8675309421", "iloveyou", "owner@example"])
def test_a_weak_password_is_refused_and_the_link_still_works(mails, follow, weak):
    reply = follow(mails[1], password=weak)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "password")
    assert follow(mails[1], password=CHOSEN).status_code == 204


def test_a_registration_and_a_confirmation_at_once_never_hand_the_account_over(
    app, sign_up, mailbox, follow, sign_in
):
    sign_up(OWNERS)
    (mail,) = mailbox().registered
    body = {"email": EMAIL, "password": STRANGERS, "re_password": STRANGERS}
    link = {"uid": mail.uid, "token": mail.token}
    confirmed, *_ = in_threads(
        [
            lambda: app.test_client().post(f"{URL}activation/", json=link),
            *[lambda: app.test_client().post(URL, json=body)] * 4,
        ]
    )
    assert confirmed.status_code in (204, 422)
    assert (user(app).email_verified_at is not None) == (confirmed.status_code == 204)
    assert statuses(sign_in, OWNERS, STRANGERS) == [200, 401]


def test_two_readers_at_once_confirm_once_and_one_password_holds(app, mails, sign_in, mailbox):
    def follow(mail, password):
        body = {"uid": mail.uid, "token": mail.token, "password": password}
        return app.test_client().post(f"{URL}activation/", json=body).status_code

    replies = in_threads([lambda: follow(mails[0], CHOSEN), lambda: follow(mails[1], CHOSEN + "-2")])
    assert sorted(replies) == [204, 422]
    assert sorted(statuses(sign_in, CHOSEN, CHOSEN + "-2")) == [200, 401]
    assert len(mailbox().activated) == 1
