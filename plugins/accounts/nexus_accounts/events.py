"""What the plugin tells itself."""

from dataclasses import dataclass
from typing import ClassVar

from nexus_kernel.contracts.events import Event


@dataclass(frozen=True, kw_only=True)
class ActivationLinkRequested(Event):
    """Somebody asked for an activation link for this address, which may be anybody's."""

    name: ClassVar[str] = "accounts.activation_link_requested"
    email: str
