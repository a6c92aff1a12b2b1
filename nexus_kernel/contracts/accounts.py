"""People: who they are, for the plugins that act for them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import UUID

from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """A person as other plugins may see them. `roles` holds granted roles only (seller, staff, admin)."""

    id: UUID
    email: str
    first_name: str
    last_name: str
    email_verified: bool
    roles: frozenset[str]

    @property
    def display_name(self) -> str:
        """First and last name, or the part of the address before the @ when both are empty."""
        return f"{self.first_name} {self.last_name}".strip() or self.email.partition("@")[0]


class AccountService(Protocol):
    """Looks people up."""

    def get_people(self, ids: Collection[UUID]) -> Mapping[UUID, PersonView]:
        """The people with these ids; ids that are unknown or erased are left out. One query."""
        ...

    def find_person(self, email: str) -> PersonView | None:
        """The person with this e-mail address, in any case; None when there is none. One query."""
        ...

    def get_address(self, user_id: UUID, address_id: UUID) -> Address | None:
        """An address of this person's book; None when there is no such one of theirs. One query."""
        ...


@dataclass(frozen=True, kw_only=True)
class UserRegistered(Event):
    """An account was created; its address is not verified yet.

    Published again, with a new token, whenever another link is to be mailed; earlier ones work until one is
    used. `uid` and `token` are what `POST /api/auth/users/activation/` takes. The token is single-use.
    `repeated`: the address was registered again with another password, so the activation demands one.
    """

    name: ClassVar[str] = "accounts.user_registered"
    user_id: UUID
    email: str
    display_name: str
    uid: str
    token: str
    repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class UserActivated(Event):
    """A person confirmed their e-mail address."""

    name: ClassVar[str] = "accounts.user_activated"
    user_id: UUID
    email: str
    display_name: str


@dataclass(frozen=True, kw_only=True)
class PasswordResetRequested(Event):
    """A person is to be mailed a link that sets a new password.

    `uid` and `token` are what `POST /api/auth/users/reset_password_confirm/` takes. The token is single-use.
    """

    name: ClassVar[str] = "accounts.password_reset_requested"
    user_id: UUID
    email: str
    uid: str
    token: str


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    """A person's password changed, by themselves or by a mailed link; every device was signed out."""

    name: ClassVar[str] = "accounts.password_changed"
    user_id: UUID
    email: str


@dataclass(frozen=True, kw_only=True)
class EmailChangeRequested(Event):
    """A person wants the address `email`, which is to be mailed a link; nobody has proved yet whose it is.

    `uid` and `token` are what `POST /api/auth/users/set_email_confirm/` takes. The token is single-use.
    """

    name: ClassVar[str] = "accounts.email_change_requested"
    user_id: UUID
    email: str
    uid: str
    token: str


@dataclass(frozen=True, kw_only=True)
class EmailChanged(Event):
    """A person's address is `email` from now on, and confirmed; every device was signed out."""

    name: ClassVar[str] = "accounts.email_changed"
    user_id: UUID
    old_email: str
    email: str


@dataclass(frozen=True, kw_only=True)
class UserErased(Event):
    """Nothing of a person is left but the id; what plugins keep is erased by `nexus_data_subjects`."""

    name: ClassVar[str] = "accounts.user_erased"
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class SellerApplicationSubmitted(Event):
    """A person asked to become a seller."""

    name: ClassVar[str] = "accounts.seller_application_submitted"
    application_id: UUID
    user_id: UUID
    shop_name: str


@dataclass(frozen=True, kw_only=True)
class SellerApplicationDecided(Event):
    """A person's application was approved, which gave them the role `seller`, or declined for a reason."""

    name: ClassVar[str] = "accounts.seller_application_decided"
    application_id: UUID
    user_id: UUID
    shop_name: str
    approved: bool
    reason: str
