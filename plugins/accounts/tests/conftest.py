"""The accounts plugin by itself, with a mailbox that hears its events."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from nexus_accounts import passwords, plugin
from nexus_accounts.models import AuditEntry, User
from nexus_accounts.passwords import hash_password
from nexus_accounts.services.registration import Registration
from sqlalchemy import insert, select

from nexus_kernel import Manifest, Subscription, current_session, hookimpl, now, reading, transaction
from nexus_kernel.contracts.accounts import (
    EmailChanged,
    EmailChangeRequested,
    PasswordChanged,
    PasswordResetRequested,
    UserActivated,
    UserRegistered,
)
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.testing import drain

PASSWORD = "correct-horse-battery"


class Mailbox:
    """Keeps what accounts tell."""

    MANIFEST = Manifest(name="mailbox", summary="Hears about people")

    def __init__(self) -> None:
        self.registered: list[UserRegistered] = []
        self.activated: list[UserActivated] = []
        self.resets: list[PasswordResetRequested] = []
        self.changes: list[EmailChangeRequested] = []
        self.notices: list[PasswordChanged | EmailChanged] = []

    def hear_registered(self, event: UserRegistered, delivery: Delivery) -> None:
        self.registered.append(event)

    def hear_activated(self, event: UserActivated, delivery: Delivery) -> None:
        self.activated.append(event)

    def hear_reset(self, event: PasswordResetRequested, delivery: Delivery) -> None:
        self.resets.append(event)

    def hear_change(self, event: EmailChangeRequested, delivery: Delivery) -> None:
        self.changes.append(event)

    def hear_notice(self, event: PasswordChanged | EmailChanged, delivery: Delivery) -> None:
        self.notices.append(event)

    def clear(self) -> None:
        for kept in (self.registered, self.activated, self.resets, self.changes, self.notices):
            kept.clear()

    @hookimpl
    def nexus_subscriptions(self) -> list[Subscription]:
        return [
            Subscription(PasswordResetRequested, self.hear_reset, "mailbox.reset"),
            Subscription(EmailChangeRequested, self.hear_change, "mailbox.change"),
            Subscription(PasswordChanged, self.hear_notice, "mailbox.password_changed"),
            Subscription(EmailChanged, self.hear_notice, "mailbox.email_changed"),
            Subscription(UserRegistered, self.hear_registered, "mailbox.registered"),
            Subscription(UserActivated, self.hear_activated, "mailbox.activated"),
        ]


class Diary:
    """Keeps something of people, and forgets it when told to; `fails` raises after the work was done."""

    MANIFEST = Manifest(name="diary", summary="Keeps something of people")
    name = "diary"

    def __init__(self) -> None:
        self.fails: list[BaseException] = []
        self.erased: list[UUID] = []

    def export(self, person_id: UUID) -> dict[str, Any]:
        if self.fails:
            raise self.fails.pop()
        return {"pages": [f"about {person_id}"]}

    def erase(self, person_id: UUID) -> None:
        written = insert(AuditEntry).values(act="diary", subject_id=person_id)
        current_session().execute(written)
        if self.fails:
            raise self.fails.pop()
        self.erased.append(person_id)

    @hookimpl
    def nexus_data_subjects(self) -> list["Diary"]:
        return [self]


_mailbox = Mailbox()
_diary = Diary()


@pytest.fixture(scope="session")
def nexus_plugins() -> list[object]:
    return [plugin, _mailbox, _diary]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty who hash at once on a busy machine take their time."""
    monkeypatch.setattr(passwords, "LONGEST_WAIT", 120.0)


@pytest.fixture
def mailbox(app: Flask) -> Callable[[], Mailbox]:
    """The mailbox after everything was delivered."""
    _mailbox.clear()

    def delivered() -> Mailbox:
        drain(app)
        return _mailbox

    return delivered


@pytest.fixture
def diary() -> Iterator[Diary]:
    """A neighbour that keeps something of people."""
    _diary.erased.clear()
    yield _diary
    _diary.fails.clear()


@pytest.fixture
def acts(app: Flask) -> Callable[[UUID | None], list[str]]:
    """What the audit record says was done to this person, oldest first."""

    def read(user_id: UUID | None) -> list[str]:
        with app.app_context(), reading() as session:
            order = (AuditEntry.created_at, AuditEntry.id)
            mine = AuditEntry.subject_id == user_id
            return list(session.scalars(select(AuditEntry.act).where(mine).order_by(*order)))

    return read


@pytest.fixture(scope="session")
def password() -> str:
    return PASSWORD


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def register(app: Flask, client: FlaskClient) -> Callable[..., Any]:
    """POST a registration, with a good password unless told otherwise, and let the workers make its link."""

    def post(email: Any = "abebe@example.com", **fields: Any) -> Any:
        body = {"email": email, "password": PASSWORD, "re_password": PASSWORD, **fields}
        reply = client.post("/api/auth/users/", data=json.dumps(body), content_type="application/json")
        drain(app)
        return reply

    return post


@pytest.fixture
def person(app: Flask, password_hash: str) -> Callable[..., UUID]:
    """Make a verified person directly; their id."""

    def make(email: str = "abebe@example.com", **columns: Any) -> UUID:
        columns = {"email_verified_at": now(), **columns}
        with app.app_context(), transaction() as session:
            user_id = Registration(session).insert({"email": email}, password_hash, **columns)
        assert user_id is not None
        return user_id

    return make


@pytest.fixture
def change(app: Flask) -> Callable[..., None]:
    """Write columns of a person directly."""

    def write(user_id: UUID, **columns: Any) -> None:
        with app.app_context(), transaction() as session:
            user = session.get_one(User, user_id)
            for name, value in columns.items():
                setattr(user, name, value)

    return write


@pytest.fixture
def sign_in(client: FlaskClient) -> Callable[..., Any]:
    """POST credentials."""

    def post(email: str = "abebe@example.com", password: str = PASSWORD) -> Any:
        return client.post("/api/auth/jwt/create/", json={"email": email, "password": password})

    return post
