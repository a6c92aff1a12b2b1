"""People: reading and changing accounts."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from nexus_accounts.addresses import email_key, folded
from nexus_accounts.errors import AccountClosed, UsernameTaken
from nexus_accounts.models import SavedAddress, User
from nexus_kernel import NotFound
from nexus_kernel.contracts.accounts import PersonView
from nexus_kernel.contracts.addresses import Address

PERSON_COLUMNS = (
    User.id,
    User.email,
    User.first_name,
    User.last_name,
    User.email_verified_at,
    User.roles,
    User.is_active,
)
ADDRESS_COLUMNS = tuple(getattr(SavedAddress, field.name) for field in fields(Address))


class People:
    """Implements AccountService."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_people(self, ids: Collection[UUID]) -> Mapping[UUID, PersonView]:
        """As the contract says."""
        if not ids:
            return {}
        rows = self._session.execute(
            select(*PERSON_COLUMNS).where(User.id.in_(set(ids)), User.erased_at.is_(None))
        )
        return {row.id: person_view(row) for row in rows}

    def find_person(self, email: str) -> PersonView | None:
        """As the contract says."""
        known = select(*PERSON_COLUMNS).where(User.email_key == email_key(email), User.erased_at.is_(None))
        row = self._session.execute(known).first()
        return person_view(row) if row else None

    def get_address(self, user_id: UUID, address_id: UUID) -> Address | None:
        """As the contract says."""
        mine = (SavedAddress.user_id == user_id, SavedAddress.id == address_id)
        row = self._session.execute(select(*ADDRESS_COLUMNS).where(*mine)).first()
        return Address(**row._mapping) if row else None


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
        with taken_usernames():
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


class taken_usernames:
    """Turns the database's refusal of a username into UsernameTaken."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, IntegrityError) and "username_key" in str(error.orig):
            raise UsernameTaken from error
