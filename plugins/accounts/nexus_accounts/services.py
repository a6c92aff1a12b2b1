"""People: registering, confirming addresses, reading and changing accounts."""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from nexus_accounts.addresses import email_key, folded
from nexus_accounts.config import AccountsConfig
from nexus_accounts.errors import AccountClosed, InvalidActivationToken, UsernameTaken
from nexus_accounts.models import ACTIVATION, Profile, SingleUseToken, User
from nexus_kernel import NotFound, new_id, now, publish, settings
from nexus_kernel.contracts.accounts import PersonView, UserActivated, UserRegistered

_PERSON = (
    User.id,
    User.email,
    User.first_name,
    User.last_name,
    User.email_verified_at,
    User.roles,
    User.is_active,
)


class People:
    """Implements AccountService."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_people(self, ids: Collection[UUID]) -> Mapping[UUID, PersonView]:
        """As the contract says."""
        if not ids:
            return {}
        rows = self._session.execute(select(*_PERSON).where(User.id.in_(set(ids)), User.erased_at.is_(None)))
        return {row.id: person_view(row) for row in rows}


class Registration:
    """Makes accounts and confirms their addresses."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def register(self, data: Mapping[str, Any], password_hash: str) -> None:
        """Make an account and ask its owner to confirm the address. A known address changes nothing.

        An unverified owner of a known address gets a new link instead; a verified one gets nothing.
        Raises UsernameTaken, whether the address is known or not.
        """
        self._refuse_taken(data.get("username"))
        user_id = self.insert(data, password_hash)
        if user_id is None:
            self.resend(data["email"], password_hash)
        else:
            self._mail(self._unverified(User.id == user_id))

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
        with _taken_usernames():
            user_id = self._session.execute(statement.returning(User.id)).scalar()
        if user_id is not None:
            self._session.execute(insert(Profile).values(user_id=user_id))
        return user_id

    def resend(self, email: str, password_hash: str | None = None) -> None:
        """Mail a new link to this address, if it belongs to an account that waits for one."""
        person = self._unverified(User.email_key == email_key(email))
        if person is not None:
            self._mail(person, password_hash)

    def activate(self, user_id: UUID, token: str) -> None:
        """Confirm the address that this link was mailed to. Raises InvalidActivationToken."""
        row = SingleUseToken
        spend = delete(row).where(
            row.user_id == user_id,
            row.purpose == ACTIVATION,
            row.token_hash == _digest(token),
            row.expires_at > now(),
        )
        spent = self._session.execute(spend.returning(row.password_hash)).first()
        if spent is None:
            raise InvalidActivationToken
        values: dict[str, Any] = {"email_verified_at": now()}
        if spent.password_hash:
            values |= {"password_hash": spent.password_hash, "token_version": User.token_version + 1}
        confirm = update(User).where(User.id == user_id, User.is_active).values(values)
        person = self._session.execute(confirm.returning(*_PERSON)).first()
        if person is None:
            raise InvalidActivationToken
        view = person_view(person)
        publish(UserActivated(user_id=view.id, email=view.email, display_name=view.display_name))

    def _refuse_taken(self, username: str | None) -> None:
        if username and self._session.scalar(select(exists().where(User.username_key == folded(username)))):
            raise UsernameTaken

    def _unverified(self, condition: Any) -> Any:
        waiting = (condition, User.email_verified_at.is_(None), User.is_active)
        return self._session.execute(select(*_PERSON).where(*waiting)).first()

    def _mail(self, row: Any, password_hash: str | None = None) -> None:
        """Replace the person's link and mail it, unless they got one a moment ago."""
        token = secrets.token_urlsafe(32)
        if not self._store(row.id, token, password_hash):
            return
        view = person_view(row)
        publish(
            UserRegistered(
                user_id=view.id,
                email=view.email,
                display_name=view.display_name,
                uid=str(view.id),
                token=token,
            )
        )

    def _store(self, user_id: UUID, token: str, password_hash: str | None) -> bool:
        config, issued_at = settings(AccountsConfig), now()
        link = {
            "token_hash": _digest(token),
            "issued_at": issued_at,
            "expires_at": issued_at + timedelta(hours=config.activation_hours),
            **({"password_hash": password_hash} if password_hash else {}),
        }
        statement = insert(SingleUseToken).values(id=new_id(), user_id=user_id, purpose=ACTIVATION, **link)
        pause = timedelta(seconds=config.activation_pause_seconds)
        statement = statement.on_conflict_do_update(
            index_elements=[SingleUseToken.user_id, SingleUseToken.purpose],
            set_=link,
            where=SingleUseToken.issued_at <= issued_at - pause,
        )
        return self._session.execute(statement.returning(SingleUseToken.id)).first() is not None


class Accounts:
    """Reads and changes accounts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_own(self, user_id: UUID, *, lock: bool = False) -> User:
        """A person's own account with its profile, in one query. Raises AccountClosed."""
        statement = _with_profile(select(User).where(User.id == user_id, User.is_active))
        if lock:
            statement = statement.with_for_update(of=User)
        user = self._session.scalar(statement)
        if user is None:
            raise AccountClosed
        return user

    def get(self, user_id: UUID) -> User:
        """Anybody's account, for staff. Raises NotFound."""
        user = self._session.scalar(
            _with_profile(select(User).where(User.id == user_id, User.erased_at.is_(None)))
        )
        if user is None:
            raise NotFound("There is no such account.")
        return user

    def all(self) -> Select[tuple[User]]:
        """Every account that was not erased, for `paginate` by id."""
        return _with_profile(select(User).where(User.erased_at.is_(None)))

    def change_own(self, user_id: UUID, changes: Mapping[str, Any]) -> User:
        """Change username, names and profile; what is left out stays. Raises UsernameTaken, AccountClosed."""
        user = self.get_own(user_id, lock=True)
        for name in changes.keys() & {"username", "first_name", "last_name"}:
            setattr(user, name, changes[name])
        user.username_key = user.username and folded(user.username)
        for name, value in changes.get("profile", {}).items():
            setattr(user.profile, name, value)
        with _taken_usernames():
            self._session.flush()
        return user


def person_view(row: Any) -> PersonView:
    """A row of a user's columns as other plugins see it."""
    return PersonView(
        id=row.id,
        email=row.email,
        first_name=row.first_name,
        last_name=row.last_name,
        email_verified=row.email_verified_at is not None,
        roles=frozenset(row.roles),
    )


def _with_profile(statement: Select[tuple[User]]) -> Select[tuple[User]]:
    return statement.options(joinedload(User.profile, innerjoin=True))


class _taken_usernames:
    """Turns the database's refusal of a username into UsernameTaken."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, IntegrityError) and "username_key" in str(error.orig):
            raise UsernameTaken from error


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
