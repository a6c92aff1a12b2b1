"""Changing what one signs in with: password and address.

Every change ends all sign-ins and all mailed links of the person. What depends on whether an address is known
is done by a worker, so that neither the answer nor its time tells.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexus_accounts.addresses import email_key
from nexus_accounts.config import AccountsConfig
from nexus_accounts.errors import AccountClosed, InvalidLink, WeakPassword, WrongPassword
from nexus_accounts.events import EmailLinkRequested, ResetLinkRequested
from nexus_accounts.models import EMAIL_CHANGE, PASSWORD_RESET, Act, User
from nexus_accounts.passwords import hash_password, password_faults, verify_password
from nexus_accounts.services import attempts
from nexus_accounts.services.audit import audit
from nexus_accounts.services.links import Links
from nexus_accounts.services.people import PERSON_COLUMNS, person_view
from nexus_accounts.services.revocation import end_sign_ins
from nexus_kernel import current_throttle, now, publish, reading, settings, transaction
from nexus_kernel.contracts.accounts import (
    EmailChanged,
    EmailChangeRequested,
    PasswordChanged,
    PasswordResetRequested,
    UserActivated,
)

_COLUMNS = (*PERSON_COLUMNS, User.username, User.password_hash)


def ask_for_reset(email: str) -> None:
    """Have a link for a new password mailed to this address, if it is somebody's. The asker cannot tell."""
    publish(ResetLinkRequested(email=email))


def reset_password(user_id: UUID, token: str, password: str, network: str) -> None:
    """Set the password of the person who follows this link; the link also proves the address.

    Raises InvalidLink, and WeakPassword, after which the link still works.
    """
    with reading() as session:
        person = Credentials(session).find_by_link(user_id, PASSWORD_RESET, token)
    password_hash = _hash_strong(person, password)
    with transaction() as session:
        Credentials(session).reset(user_id, token, password_hash)
    attempts.proved(person.email, network)


def change_password(user_id: UUID, current: str, password: str) -> None:
    """Set another password. Raises WrongPassword, WeakPassword, Throttled, AccountClosed."""
    person = check_current(user_id, current)
    password_hash = _hash_strong(person, password)
    with transaction() as session:
        Credentials(session).replace_password(person, password_hash)


def ask_for_email(user_id: UUID, current: str, email: str) -> None:
    """Have a link mailed to the address that the person wants; whether somebody else has it stays untold.

    Raises WrongPassword, Throttled, AccountClosed.
    """
    check_current(user_id, current)
    with transaction():
        publish(EmailLinkRequested(user_id=user_id, email=email))


class Credentials:
    """Writes passwords and addresses, and mails the links for them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_by_link(self, user_id: UUID, purpose: str, token: str, *, lock: bool = False) -> Any:
        """The person who was mailed this link. Raises InvalidLink."""
        person = self._person(User.id == user_id, lock=lock)
        if person is None or Links(self._session).find(user_id, purpose, token) is None:
            raise InvalidLink
        return person

    def mail_reset_link(self, email: str) -> None:
        """Mail a link for a new password, if an open account has this address; to the address it has."""
        person = self._person(User.email_key == email_key(email), lock=True)
        if person is None:
            return
        lifetime = timedelta(minutes=settings(AccountsConfig).password_reset_minutes)
        token = Links(self._session).make(person.id, PASSWORD_RESET, lifetime=lifetime, pause=_pause())
        if token is not None:
            publish(
                PasswordResetRequested(user_id=person.id, email=person.email, uid=str(person.id), token=token)
            )

    def mail_email_link(self, user_id: UUID, email: str) -> None:
        """Mail a link to a new address, unless another account has it."""
        person = self._person(User.id == user_id, lock=True)
        other = self._person(User.email_key == email_key(email), closed_too=True)
        if person is None or (other is not None and other.id != user_id):
            return
        lifetime = timedelta(hours=settings(AccountsConfig).email_change_hours)
        token = Links(self._session).make(
            user_id, EMAIL_CHANGE, lifetime=lifetime, pause=_pause(), email=email
        )
        if token is not None:
            publish(EmailChangeRequested(user_id=user_id, email=email, uid=str(user_id), token=token))

    def replace_password(self, person: Any, password_hash: str) -> None:
        """Set a password in place of the one that was checked. Raises WrongPassword when it changed since."""
        unchanged = (User.id == person.id, User.is_active, User.password_hash == person.password_hash)
        statement = update(User).where(*unchanged).values(password_hash=password_hash)
        if self._session.execute(statement.returning(User.id)).first() is None:
            raise WrongPassword
        end_sign_ins(self._session, person.id)
        audit(self._session, Act.PASSWORD_CHANGED, person.id)
        publish(PasswordChanged(user_id=person.id, email=person.email))

    def reset(self, user_id: UUID, token: str, password_hash: str) -> None:
        """Set the password by a link, which proves the address, whoever registered it. Raises InvalidLink."""
        person = self.find_by_link(user_id, PASSWORD_RESET, token, lock=True)
        self._write(person, password_hash=password_hash)
        audit(self._session, Act.PASSWORD_RESET, user_id)
        publish(PasswordChanged(user_id=user_id, email=person.email))

    def change_email(self, user_id: UUID, token: str) -> None:
        """The address becomes the one that this link was mailed to. Raises InvalidLink, also where taken."""
        person = self._person(User.id == user_id, lock=True)
        link = person and Links(self._session).find(user_id, EMAIL_CHANGE, token)
        if link is None:
            raise InvalidLink
        try:
            self._write(person, email=link.email, email_key=email_key(link.email))
        except IntegrityError as error:
            raise InvalidLink from error
        audit(self._session, Act.EMAIL_CHANGED, user_id)
        publish(EmailChanged(user_id=user_id, old_email=person.email, email=link.email))

    def _write(self, person: Any, **values: Any) -> None:
        """Write what a link proves: the address is the person's, whatever was disputed before."""
        values = {"email_verified_at": person.email_verified_at or now(), "contested": False, **values}
        statement = update(User).where(User.id == person.id).values(values).returning(*PERSON_COLUMNS)
        view = person_view(self._session.execute(statement).one())
        end_sign_ins(self._session, person.id)
        if person.email_verified_at is None:
            publish(UserActivated(user_id=view.id, email=view.email, display_name=view.display_name))

    def _person(self, condition: Any, *, lock: bool = False, closed_too: bool = False) -> Any:
        statement = select(*_COLUMNS).where(condition)
        if not closed_too:
            statement = statement.where(User.is_active)
        return self._session.execute(statement.with_for_update() if lock else statement).first()


def check_current(user_id: UUID, password: str) -> Any:
    """The person whose current password this is. Raises WrongPassword, Throttled, AccountClosed.

    No connection is held while the password is checked.
    """
    with reading() as session:
        person = session.execute(select(*_COLUMNS).where(User.id == user_id, User.is_active)).first()
    if person is None:
        raise AccountClosed
    counted = ("accounts.current_password", str(user_id), settings(AccountsConfig).sign_in_account_rate)
    current_throttle().hit(*counted)
    if not verify_password(person.password_hash, password):
        raise WrongPassword
    current_throttle().forgive(*counted)
    return person


def _hash_strong(person: Any, password: str) -> str:
    """The hash of a new password. Raises WeakPassword."""
    personal = [person.email, person.username, person.first_name, person.last_name]
    faults = password_faults(password, personal)
    if faults:
        raise WeakPassword(faults, "new_password")
    return hash_password(password)


def _pause() -> timedelta:
    return timedelta(seconds=settings(AccountsConfig).link_pause_seconds)
