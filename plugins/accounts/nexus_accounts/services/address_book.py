"""A person's addresses. Who writes in a book locks its owner first, so that a default is switched once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from nexus_accounts.errors import AccountClosed, TooManyAddresses
from nexus_accounts.models import SavedAddress, User
from nexus_kernel import NotFound

MOST_ADDRESSES = 50
"""Addresses a person."""


class AddressBook:
    """The addresses of one person."""

    def __init__(self, session: Session, owner_id: UUID) -> None:
        self._session = session
        self._owner_id = owner_id

    def mine(self) -> Select[tuple[SavedAddress]]:
        """All of them, for `paginate`."""
        return select(SavedAddress).where(SavedAddress.user_id == self._owner_id)

    def get(self, address_id: UUID) -> SavedAddress:
        """One of them. Raises NotFound."""
        found = self._session.scalar(self.mine().where(SavedAddress.id == address_id))
        if found is None:
            raise NotFound("You have no such address.")
        return found

    def add(self, values: Mapping[str, Any]) -> SavedAddress:
        """Keep another one; the first is the default. Raises AccountClosed and TooManyAddresses."""
        self._lock()
        held = self._session.scalar(select(func.count()).select_from(self.mine().subquery())) or 0
        if held >= MOST_ADDRESSES:
            raise TooManyAddresses(MOST_ADDRESSES)
        address = SavedAddress(user_id=self._owner_id, **values)
        address.is_default = address.is_default or not held
        if address.is_default:
            self._no_default()
        self._session.add(address)
        self._session.flush()
        return address

    def change(self, address_id: UUID, values: Mapping[str, Any]) -> SavedAddress:
        """Change what is in `values`. Raises AccountClosed and NotFound."""
        self._lock()
        address = self.get(address_id)
        if values.get("is_default") and not address.is_default:
            self._no_default()
        for name, value in values.items():
            setattr(address, name, value)
        self._session.flush()
        return address

    def remove(self, address_id: UUID) -> None:
        """Forget one. Nothing else becomes the default. Raises AccountClosed and NotFound."""
        self._lock()
        self._session.delete(self.get(address_id))
        self._session.flush()

    def _no_default(self) -> None:
        defaults = update(SavedAddress).where(SavedAddress.user_id == self._owner_id, SavedAddress.is_default)
        self._session.execute(defaults.values(is_default=False).execution_options(synchronize_session=False))

    def _lock(self) -> None:
        owner = select(User.id).where(User.id == self._owner_id, User.is_active)
        if self._session.scalar(owner.with_for_update(key_share=True)) is None:
            raise AccountClosed
