"""Registering, and confirming addresses.

Several people may register one unverified address, and only one of them can read its mail. A registration
proves nothing, a link proves the mailbox: so no password but the first one is kept, and after a second one
was tried the person who follows a link chooses the password.
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_accounts.addresses import email_key, folded
from nexus_accounts.config import AccountsConfig
from nexus_accounts.errors import InvalidActivationToken, PasswordRequired, UsernameTaken, WeakPassword
from nexus_accounts.events import ActivationLinkRequested
from nexus_accounts.models import ACTIVATION, Act, Profile, RefreshFamily, SingleUseToken, User
from nexus_accounts.passwords import hash_password, password_faults, verify_password
from nexus_accounts.services.audit import audit, audit_coarsely
from nexus_accounts.services.people import PERSON_COLUMNS, person_view, taken_usernames
from nexus_kernel import new_id, now, publish, reading, settings, transaction
from nexus_kernel.contracts.accounts import UserActivated, UserRegistered

MOST_LINKS = 5
"""How many links of one person work at a time; a further one ends the oldest."""


def register(data: Mapping[str, Any]) -> None:
    """Make an account and ask its owner to confirm the address. A known address keeps its account.

    An unverified owner of a known address gets a new link instead; a verified one gets nothing. One password
    is hashed whatever is known, and no connection is held meanwhile.
    Raises UsernameTaken, whether the address is known or not.
    """
    first = _first_password(data["email"])
    if first is None:
        password_hash = hash_password(data["password"])
        with transaction() as session:
            if Registration(session).register(data, password_hash):
                return
        first = _first_password(data["email"])
    if first is not None:
        same = verify_password(first, data["password"])
        with transaction() as session:
            Registration(session).repeat(data, contested=not same)


def activate(user_id: UUID, token: str, password: str | None) -> None:
    """Confirm the address that this link was mailed to, and set a password where one is sent.

    Raises InvalidActivationToken; PasswordRequired and WeakPassword, after which the link still works.
    """
    password_hash = hash_password(password) if password else None
    with transaction() as session:
        registration = Registration(session)
        waiting = registration.find_by_link(user_id, token)
        if password:
            faults = password_faults(password, [waiting.email, waiting.first_name, waiting.last_name])
            if faults:
                raise WeakPassword(faults)
        elif waiting.contested:
            raise PasswordRequired
        registration.confirm(user_id, password_hash)


def ask_for_link(email: str) -> None:
    """Have another link mailed to this address, if it waits for one. The asker cannot tell."""
    publish(ActivationLinkRequested(email=email))


class Registration:
    """Makes accounts and confirms their addresses."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def register(self, data: Mapping[str, Any], password_hash: str) -> bool:
        """Make an account and mail its link; False when the address is known. Raises UsernameTaken."""
        self._refuse_taken(data.get("username"))
        user_id = self.insert(data, password_hash)
        if user_id is not None:
            self._mail(self._lock(User.id == user_id))
            audit(self._session, Act.REGISTERED, user_id)
        return user_id is not None

    def repeat(self, data: Mapping[str, Any], *, contested: bool) -> None:
        """Another registration of an unverified address: mail another link. Raises UsernameTaken."""
        self._refuse_taken(data.get("username"))
        person = self._lock(User.email_key == email_key(data["email"]))
        if person is None:
            return
        audit_coarsely(self._session, Act.REGISTERED, person.id)
        if contested and not person.contested:
            self._session.execute(update(User).where(User.id == person.id).values(contested=True))
        self._mail(person, repeated=contested or person.contested)

    def insert(self, data: Mapping[str, Any], password_hash: str, **granted: Any) -> UUID | None:
        """A new account with its profile; None when the address is known. Raises UsernameTaken."""
        username = data.get("username")
        values = {
            "id": new_id(),
            "email": data["email"],
            "email_key": email_key(data["email"]),
            "username": username,
            "username_key": username and folded(username),
            "first_name": data.get("first_name", ""),
            "last_name": data.get("last_name", ""),
            "password_hash": password_hash,
            **granted,
        }
        statement = insert(User).values(values).on_conflict_do_nothing(index_elements=[User.email_key])
        with taken_usernames():
            user_id = self._session.execute(statement.returning(User.id)).scalar()
        if user_id is not None:
            self._session.execute(insert(Profile).values(user_id=user_id))
        return user_id

    def resend(self, email: str) -> None:
        """Mail a new link to this address, if it belongs to an account that waits for one."""
        person = self._lock(User.email_key == email_key(email))
        if person is not None:
            self._mail(person, repeated=person.contested)

    def find_by_link(self, user_id: UUID, token: str) -> Any:
        """The person who waits and was mailed this link, locked. Raises InvalidActivationToken."""
        person, row = self._lock(User.id == user_id), SingleUseToken
        good = (row.token_hash == _digest(token), row.expires_at > now())
        if person is None or not self._session.scalar(select(exists().where(*_links_of(user_id), *good))):
            raise InvalidActivationToken
        return person

    def confirm(self, user_id: UUID, password_hash: str | None) -> None:
        """The address is the person's: end every link, and with a new password every sign-in."""
        values: dict[str, Any] = {"email_verified_at": now(), "contested": False}
        if password_hash:
            values |= {"password_hash": password_hash, "token_version": User.token_version + 1}
            self._session.execute(delete(RefreshFamily).where(RefreshFamily.user_id == user_id))
        self._session.execute(delete(SingleUseToken).where(*_links_of(user_id)))
        statement = update(User).where(User.id == user_id).values(values).returning(*PERSON_COLUMNS)
        view = person_view(self._session.execute(statement).one())
        audit(self._session, Act.ACTIVATED, user_id)
        publish(UserActivated(user_id=view.id, email=view.email, display_name=view.display_name))

    def _refuse_taken(self, username: str | None) -> None:
        if username and self._session.scalar(select(exists().where(User.username_key == folded(username)))):
            raise UsernameTaken

    def _lock(self, condition: Any) -> Any:
        """The person, if their address waits to be confirmed. Their row is locked before their links."""
        statement = select(*PERSON_COLUMNS, User.contested).where(condition, *_waiting())
        return self._session.execute(statement.with_for_update()).first()

    def _mail(self, row: Any, *, repeated: bool = False) -> None:
        """Mail the person another link, unless they got one a moment ago."""
        token = secrets.token_urlsafe(32)
        if not self._store(row.id, token):
            return
        view = person_view(row)
        publish(
            UserRegistered(
                user_id=view.id,
                email=view.email,
                display_name=view.display_name,
                uid=str(view.id),
                token=token,
                repeated=repeated,
            )
        )

    def _store(self, user_id: UUID, token: str) -> bool:
        config, issued_at, row = settings(AccountsConfig), now(), SingleUseToken
        newest_first = select(row.id, row.issued_at).where(*_links_of(user_id)).order_by(row.issued_at.desc())
        links = self._session.execute(newest_first).all()
        pause = timedelta(seconds=config.activation_pause_seconds)
        if links and links[0].issued_at > issued_at - pause:
            return False
        surplus = [link.id for link in links[MOST_LINKS - 1 :]]
        self._session.execute(delete(row).where(row.id.in_(surplus)))
        values = {"id": new_id(), "user_id": user_id, "purpose": ACTIVATION, "token_hash": _digest(token)}
        expires_at = issued_at + timedelta(hours=config.activation_hours)
        self._session.execute(insert(row).values(**values, issued_at=issued_at, expires_at=expires_at))
        return True


def _first_password(email: str) -> str | None:
    """The hash that an unverified account of this address was registered with."""
    mine = User.email_key == email_key(email)
    with reading() as session:
        return session.scalar(select(User.password_hash).where(mine, *_waiting()))


def _waiting() -> tuple[Any, ...]:
    return (User.email_verified_at.is_(None), User.is_active)


def _links_of(user_id: UUID) -> tuple[Any, ...]:
    return (SingleUseToken.user_id == user_id, SingleUseToken.purpose == ACTIVATION)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
