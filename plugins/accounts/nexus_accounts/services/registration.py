"""Registering, and confirming addresses.

Several people may register one unverified address, and only one of them can read its mail. A registration
proves nothing, a link proves the mailbox: so no password but the first one is kept, and after a second one
was tried the person who follows a link chooses the password.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_accounts.addresses import email_key, folded
from nexus_accounts.config import AccountsConfig
from nexus_accounts.errors import InvalidActivationToken, PasswordRequired, UsernameTaken, WeakPassword
from nexus_accounts.events import ActivationLinkRequested
from nexus_accounts.models import ACTIVATION, Act, Profile, User
from nexus_accounts.passwords import hash_password, password_faults, verify_password
from nexus_accounts.services.audit import audit, audit_coarsely
from nexus_accounts.services.links import Links
from nexus_accounts.services.people import PERSON_COLUMNS, person_view, taken_usernames
from nexus_accounts.services.revocation import end_sign_ins
from nexus_kernel import new_id, now, publish, reading, settings, transaction
from nexus_kernel.contracts.accounts import UserActivated, UserRegistered


def register(data: Mapping[str, Any]) -> None:
    """Make an account and ask its owner to confirm the address. A known address keeps its account.

    The work is the same whatever is known: one password is hashed and one compared, the same statements run,
    and a worker finds out whether there is a link to mail. No connection is held while a password is hashed.
    Raises UsernameTaken, whether the address is known or not.
    """
    with reading() as session:
        Registration(session).refuse_taken(data.get("username"))
    password_hash = hash_password(data["password"])
    with transaction() as session:
        waiting = Registration(session).find_or_make(data, password_hash)
    same = verify_password(waiting and waiting.password_hash, data["password"])
    with transaction() as session:
        registration = Registration(session)
        registration.note(data["email"], contested=waiting is not None and not same)
        audit_coarsely(session, Act.REGISTERED, waiting and waiting.id)


def activate(user_id: UUID, token: str, password: str | None) -> None:
    """Confirm the address that this link was mailed to, and set a password where one is sent.

    Raises InvalidActivationToken; PasswordRequired and WeakPassword, after which the link still works.
    """
    if password:
        with reading() as session:  # nobody hashes for a link that does not work
            Registration(session).find_by_link(user_id, token)
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

    def find_or_make(self, data: Mapping[str, Any], password_hash: str) -> Any:
        """Id and hash of the unverified account of this address; None for a verified or closed one.

        An account that is made here is on disk with the next commit only, for which the answer waits: to wait
        here as well would tell a new address from a known one. Raises UsernameTaken.
        """
        self._session.execute(text("SET LOCAL synchronous_commit TO off"))
        self.insert(data, password_hash)
        mine = User.email_key == email_key(data["email"])
        return self._session.execute(select(User.id, User.password_hash).where(mine, *_waiting())).first()

    def note(self, email: str, *, contested: bool) -> None:
        """Somebody registered this address, perhaps with another password than the first: mail a link."""
        mine = (User.email_key == email_key(email), *_waiting(), User.contested.is_(False))
        disputed = update(User).where(*mine, literal(contested)).values(contested=True)
        self._session.execute(disputed.execution_options(synchronize_session=False))
        ask_for_link(email)

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
        user = insert(User).values(values).on_conflict_do_nothing(index_elements=[User.email_key])
        made = user.returning(User.id).cte("made")
        profile = insert(Profile).from_select(["user_id"], select(made.c.id), include_defaults=False)
        with taken_usernames():
            user_id: UUID | None = self._session.execute(profile.returning(Profile.user_id)).scalar()
        return user_id

    def resend(self, email: str) -> None:
        """Mail a new link to this address, if it belongs to an account that waits for one."""
        person = self._lock(User.email_key == email_key(email))
        if person is not None:
            self._mail(person)

    def find_by_link(self, user_id: UUID, token: str) -> Any:
        """The person who waits and was mailed this link, locked. Raises InvalidActivationToken."""
        person = self._lock(User.id == user_id)
        if person is None or Links(self._session).find(user_id, ACTIVATION, token) is None:
            raise InvalidActivationToken
        return person

    def confirm(self, user_id: UUID, password_hash: str | None) -> None:
        """The address is the person's: end its links, and with a new password every sign-in."""
        values: dict[str, Any] = {"email_verified_at": now(), "contested": False}
        if password_hash:
            values["password_hash"] = password_hash
            end_sign_ins(self._session, user_id)
        Links(self._session).end(user_id, ACTIVATION)
        statement = update(User).where(User.id == user_id).values(values).returning(*PERSON_COLUMNS)
        view = person_view(self._session.execute(statement).one())
        audit(self._session, Act.ACTIVATED, user_id)
        publish(UserActivated(user_id=view.id, email=view.email, display_name=view.display_name))

    def refuse_taken(self, username: str | None) -> None:
        """Raises UsernameTaken."""
        if username and self._session.scalar(select(exists().where(User.username_key == folded(username)))):
            raise UsernameTaken

    def _lock(self, condition: Any) -> Any:
        """The person, if their address waits to be confirmed. Their row is locked before their links."""
        statement = select(*PERSON_COLUMNS, User.contested).where(condition, *_waiting())
        return self._session.execute(statement.with_for_update()).first()

    def _mail(self, row: Any) -> None:
        """Mail the person another link, unless they got one a moment ago."""
        config = settings(AccountsConfig)
        token = Links(self._session).make(
            row.id,
            ACTIVATION,
            lifetime=timedelta(hours=config.activation_hours),
            pause=timedelta(seconds=config.activation_pause_seconds),
        )
        if token is None:
            return
        view = person_view(row)
        publish(
            UserRegistered(
                user_id=view.id,
                email=view.email,
                display_name=view.display_name,
                uid=str(view.id),
                token=token,
                repeated=row.contested,
            )
        )


def _waiting() -> tuple[Any, ...]:
    return (User.email_verified_at.is_(None), User.is_active)
