"""What the plugin tells itself."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from nexus_kernel.contracts.events import Event


@dataclass(frozen=True, kw_only=True)
class ActivationLinkRequested(Event):
    """Somebody asked for an activation link for this address, which may be anybody's."""

    name: ClassVar[str] = "accounts.activation_link_requested"
    email: str


@dataclass(frozen=True, kw_only=True)
class ResetLinkRequested(Event):
    """Somebody asked for a new password for this address, which may be anybody's."""

    name: ClassVar[str] = "accounts.reset_link_requested"
    email: str


@dataclass(frozen=True, kw_only=True)
class EmailLinkRequested(Event):
    """A person who gave their password wants this address, which may be somebody else's."""

    name: ClassVar[str] = "accounts.email_link_requested"
    user_id: UUID
    email: str


@dataclass(frozen=True, kw_only=True)
class DataErasureRequested(Event):
    """A person was erased, and one plugin's handler is to forget them: one event a handler."""

    name: ClassVar[str] = "accounts.data_erasure_requested"
    user_id: UUID
    section: str
