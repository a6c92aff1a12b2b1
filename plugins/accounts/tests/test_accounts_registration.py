"""Registering and confirming an address."""

from datetime import timedelta

import pytest
from nexus_accounts.models import Profile, SingleUseToken, User
from sqlalchemy import func, select, update

from nexus_kernel import transaction
from nexus_kernel.testing import count_queries, in_threads

URL = "/api/auth/users/"
HOSTILE = [
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"email": ' + b"9" * 5_000 + b"}",
    b'{"\\ud800": 1}',
    b'{"email": "\\ud800"}',
    b'{"email": NaN}',
]


def count(app, model) -> int:
    with app.app_context(), transaction() as session:
        return session.scalar(select(func.count()).select_from(model))


def only(app, model):
    with app.app_context(), transaction() as session:
        return session.scalars(select(model)).one()


def let_time_pass(app, **delta) -> None:
    """Move every link's times into the past."""
    past = timedelta(**delta)
    row = SingleUseToken
    with app.app_context(), transaction() as session:
        session.execute(update(row).values(issued_at=row.issued_at - past, expires_at=row.expires_at - past))


def activate(client, uid, token):
    return client.post(f"{URL}activation/", json={"uid": uid, "token": token})


def test_a_registration_makes_an_unverified_account_without_roles(app, register):
    reply = register(first_name="Abebe", last_name="Bikila")
    assert reply.status_code == 201
    assert reply.json == {
        "email": "abebe@example.com",
        "username": None,
        "first_name": "Abebe",
        "last_name": "Bikila",
    }
    user = only(app, User)
    assert (user.roles, user.email_verified_at, user.is_active) == ([], None, True)
    assert only(app, Profile).user_id == user.id


def test_the_password_is_kept_as_argon2id_with_19_mib_two_passes_and_one_lane(app, register, password):
    register()
    stored = only(app, User).password_hash
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$") and password not in stored


@pytest.mark.parametrize(
    "variant", ["Abebe@Example.COM", "ABEBE@EXAMPLE.COM", " abebe@example.com ", "\uff41bebe@example.com"]
)
def test_an_address_in_other_letters_is_the_same_account(app, register, variant):
    register("abebe@example.com")
    assert register(variant).status_code == 201
    assert count(app, User) == 1


def test_an_address_in_another_script_works(app, register, mailbox):
    assert register("አበበ@ኢትዮጵያ.et").status_code == 201
    assert mailbox().registered[0].email == "አበበ@ኢትዮጵያ.et"


def test_a_letter_that_folds_into_another_finds_the_account_and_never_gets_its_mail(app, register, mailbox):
    register("kebede@example.com")
    let_time_pass(app, hours=1)
    assert register("\u212aebede@example.com").status_code == 201
    assert count(app, User) == 1
    assert {event.email for event in mailbox().registered} == {"kebede@example.com"}


def test_a_known_address_is_answered_exactly_like_a_new_one(register, person):
    person("known@example.com")
    known, new = register("known@example.com"), register("new@example.com")
    assert known.status_code == new.status_code == 201
    assert known.json == {**new.json, "email": "known@example.com"}
    assert set(known.headers.keys()) == set(new.headers.keys())


def test_a_known_verified_address_keeps_its_password_and_gets_no_mail(
    register, person, sign_in, mailbox, password
):
    person("known@example.com")
    register("known@example.com", password="another-long-secret", re_password="another-long-secret")
    assert sign_in("known@example.com", password).status_code == 200
    assert sign_in("known@example.com", "another-long-secret").status_code == 401
    assert mailbox().registered == []


def test_twenty_registrations_of_one_address_at_once_make_one_account_and_twenty_equal_answers(
    app, mailbox, password
):
    body = {"email": "abebe@example.com", "password": password, "re_password": password}
    replies = in_threads([lambda: app.test_client().post(URL, json=body)] * 20)
    assert {(r.status_code, r.data) for r in replies} == {(201, replies[0].data)}
    assert len(mailbox().registered) == 1
    assert (count(app, User), count(app, Profile), count(app, SingleUseToken)) == (1, 1, 1)


def test_one_username_at_once_for_two_people_is_taken_once(app, password):
    def post(number: int):
        body = {
            "email": f"p{number}@example.com",
            "password": password,
            "re_password": password,
            "username": "abebe",
        }
        return app.test_client().post(URL, json=body)

    replies = in_threads([lambda n=n: post(n) for n in range(6)])
    assert sorted(r.status_code for r in replies) == [201] + [422] * 5
    refused = next(r for r in replies if r.status_code == 422)
    assert refused.json["code"] == "accounts.username_taken"
    assert count(app, User) == 1


def test_a_taken_username_is_refused_for_known_and_for_new_addresses(register, person):
    person("known@example.com")
    register("abebe@example.com", username="Abebe")
    known = register("known@example.com", username="aBEBE")
    new = register("new@example.com", username="aBEBE")
    assert (known.status_code, known.json["code"]) == (422, "accounts.username_taken")
    assert (new.status_code, new.json["code"]) == (422, "accounts.username_taken")
    assert new.json["errors"][0]["path"] == "username"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short7!", "at least 8"),
        ("8675309421", "numeric"),
        ("iloveyou", "common"),
        ("PASSWORD123", "common"),
        ("abebe@example", "similar"),
        ("abebebikila1", "similar"),
    ],
)
def test_a_weak_password_is_refused_with_its_reason(app, register, password, reason):
    reply = register(first_name="Abebebikila", password=password, re_password=password)
    assert reply.status_code == 422
    (error,) = (e for e in reply.json["errors"] if reason in e["message"])
    assert error["path"] == "password"
    assert count(app, User) == 0


def test_two_passwords_that_differ_are_refused(register):
    reply = register(re_password="something-else-entirely")
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, "re_password")


@pytest.mark.parametrize(
    "field",
    [
        {"roles": ["admin"]},
        {"is_seller": True},
        {"is_active": True},
        {"email_verified_at": "2026-01-01"},
        {"id": 1},
    ],
)
def test_nobody_registers_with_more_than_a_person_may_say(app, register, field):
    reply = register(**field)
    assert (reply.status_code, reply.json["errors"][0]["path"]) == (422, next(iter(field)))
    assert count(app, User) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no-address"),
        ("email", "a@b"),
        ("email", f"{'a' * 300}@example.com"),
        ("email", "a\x00@example.com"),
        ("email", None),
        ("email", 2**63),
        ("email", ["a@example.com"]),
        ("email", {"a": 1}),
        ("email", "a@example.com\nBcc: b@example.com"),
        ("password", None),
        ("password", 12345678901),
        ("password", "x" * 129),
        ("username", "ab"),
        ("username", "a b c"),
        ("username", "<b>abebe</b>"),
        ("username", "abebe\u202e"),
        ("username", "x" * 31),
        ("first_name", "x" * 151),
        ("first_name", "a\x00b"),
        ("first_name", 1e308),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(app, register, field, value):
    reply = register(**{field: value})
    assert reply.status_code == 422, reply.json
    assert field in {error["path"] for error in reply.json["errors"]}
    assert count(app, User) == 0


@pytest.mark.parametrize(
    "body", [b"[1]", b'"x"', b"null", b"1e999", b"{", b"", b"\xff\xfe", b"NaN", b"{}", *HOSTILE]
)
@pytest.mark.parametrize(
    "path",
    [
        "users/",
        "users/activation/",
        "users/resend_activation/",
        "jwt/create/",
        "jwt/refresh/",
        "jwt/verify/",
        "jwt/logout/",
    ],
)
def test_a_malformed_body_is_a_problem_and_never_an_error_of_ours(client, path, body):
    reply = client.post(f"/api/auth/{path}", data=body, content_type="application/json")
    assert reply.status_code in (400, 422)
    assert reply.content_type == "application/problem+json"


def test_a_form_encoded_body_is_refused(client, password):
    form = {"email": "abebe@example.com", "password": password, "re_password": password}
    assert client.post(URL, data=form).status_code == 415


def test_the_mailed_link_confirms_the_address_once(app, client, register, mailbox):
    register()
    (mail,) = mailbox().registered
    assert activate(client, mail.uid, mail.token).status_code == 204
    assert only(app, User).email_verified_at is not None
    (told,) = mailbox().activated
    assert told.user_id == mail.user_id
    again = activate(client, mail.uid, mail.token)
    assert (again.status_code, again.json["code"]) == (422, "accounts.invalid_activation_token")


def test_ten_clicks_at_once_confirm_the_address_once(app, register, mailbox):
    register()
    (mail,) = mailbox().registered
    replies = in_threads([lambda: activate(app.test_client(), mail.uid, mail.token)] * 10)
    assert sorted(r.status_code for r in replies) == [204] + [422] * 9
    assert len(mailbox().activated) == 1


def test_wrong_foreign_and_expired_links_are_refused_in_the_same_words(app, client, register, mailbox):
    register("one@example.com")
    register("two@example.com")
    one, two = mailbox().registered
    let_time_pass(app, hours=73)
    register("three@example.com")
    three = mailbox().registered[-1]
    replies = [
        activate(client, one.uid, "wrong"),
        activate(client, three.uid, two.token),
        activate(client, two.uid, two.token),
        activate(client, "019aaaaa-0000-7000-8000-000000000000", three.token),
    ]
    assert {(r.status_code, r.json["code"], r.json["detail"]) for r in replies} == {
        (422, "accounts.invalid_activation_token", replies[0].json["detail"])
    }
    assert activate(client, three.uid, three.token).status_code == 204


def test_the_link_is_kept_as_a_hash_only(app, register, mailbox):
    register()
    (mail,) = mailbox().registered
    assert mail.token.encode() not in only(app, SingleUseToken).token_hash


def test_a_closed_account_is_not_confirmed(app, client, register, mailbox, change):
    register()
    (mail,) = mailbox().registered
    change(mail.user_id, is_active=False)
    assert activate(client, mail.uid, mail.token).status_code == 422
    assert only(app, User).email_verified_at is None


def test_resending_answers_204_for_every_address(client, register, person):
    register("waiting@example.com")
    person("verified@example.com")
    for email in ("waiting@example.com", "verified@example.com", "unknown@example.com"):
        reply = client.post(f"{URL}resend_activation/", json={"email": email})
        assert (reply.status_code, reply.data) == (204, b"")


def test_an_address_gets_one_mail_a_minute(app, client, register, mailbox):
    register()
    for _ in range(3):
        client.post(f"{URL}resend_activation/", json={"email": "Abebe@EXAMPLE.com"})
    assert len(mailbox().registered) == 1
    let_time_pass(app, seconds=61)
    client.post(f"{URL}resend_activation/", json={"email": "Abebe@EXAMPLE.com"})
    assert [mail.repeated for mail in mailbox().registered] == [False, False]


def test_five_links_of_a_person_work_at_a_time_and_one_use_ends_them_all(app, client, register, mailbox):
    register()
    for _ in range(5):
        let_time_pass(app, seconds=61)
        client.post(f"{URL}resend_activation/", json={"email": "abebe@example.com"})
        mailbox()
    oldest, second, *_, newest = mailbox().registered
    assert (len(mailbox().registered), count(app, SingleUseToken)) == (6, 5)
    assert activate(client, oldest.uid, oldest.token).status_code == 422
    assert activate(client, second.uid, second.token).status_code == 204
    assert activate(client, newest.uid, newest.token).status_code == 422
    assert count(app, SingleUseToken) == 0


def test_resending_does_the_same_work_for_every_address(app, client, register, person):
    register("waiting@example.com")
    let_time_pass(app, seconds=61)
    person("verified@example.com")
    statements = []
    for email in ("warm@example.com", "waiting@example.com", "verified@example.com", "unknown@example.com"):
        with count_queries(app) as queries:
            client.post(f"{URL}resend_activation/", json={"email": email})
        statements.append(queries.statements)
    assert statements[0] and statements[1] == statements[2] == statements[3]


def test_ten_resends_at_once_mail_one_link(app, register, mailbox):
    register()
    let_time_pass(app, seconds=61)
    body = {"email": "abebe@example.com"}
    in_threads([lambda: app.test_client().post(f"{URL}resend_activation/", json=body)] * 10)
    assert len(mailbox().registered) == 2
