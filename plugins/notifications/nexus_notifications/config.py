"""Settings, `NEXUS_NOTIFICATIONS__*`, and the check of those that depend on one another."""

from collections.abc import Collection
from dataclasses import dataclass
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path

from nexus_kernel import StartupError, setting

SMTP_STEPS = 15
"""Network operations of one SMTP conversation at most, each of which may take the whole time-out."""


@dataclass(frozen=True)
class NotificationsConfig:
    """How the shop writes to people."""

    shop_name: str = setting("Nexus", min_length=1, help="What the shop calls itself in mails.")
    from_address: str = setting(
        "", production=True, help='Sender of every mail, such as "Gift shop <shop@example.com>".'
    )
    smtp_host: str = setting("127.0.0.1", min_length=1, help="The mail server.")
    smtp_port: int = setting(25, minimum=1, maximum=65535, help="Its port; 587 for STARTTLS, 465 for TLS.")
    smtp_username: str = setting("", help="Empty: no authentication.")
    smtp_password: str = setting("", secret=True, help="Of smtp_username.")
    smtp_security: str = setting(
        "auto",
        choices=("auto", "none", "starttls", "tls"),
        help="auto: STARTTLS, except towards this machine itself. Certificates are always verified.",
    )
    smtp_timeout_seconds: int = setting(10, minimum=1, maximum=60, help="For each answer of the mail server.")
    lease_seconds: int = setting(
        180,
        minimum=SMTP_STEPS,
        help="After this a mail whose worker vanished is sent again; at least 15 times the SMTP time-out.",
    )
    max_in_flight: int = setting(
        4,
        minimum=1,
        help="About as many mails are sent at once, so that a slow server never takes every worker.",
    )
    max_attempts: int = setting(20, minimum=1, help="After so many failures a mail is dead.")
    retry_seconds: float = setting(
        5.0, minimum=1, maximum=3600, help="Pause after the first failure; it doubles, up to an hour."
    )
    channels: tuple[str, ...] = setting(
        ("email",), help="Codes of the channels that every message is sent by."
    )
    templates_folder: str = setting("", help="Templates here win over the shipped ones of the same path.")
    activation_url: str = setting(
        "{public_url}/#/activate/{uid}/{token}",
        help="The link of the mail that verifies an address; the page posts uid and token.",
    )
    stock_address: str = setting(
        "",
        help="The address that is told when a product of the shop itself, without a seller, runs low; empty: "
        "nobody.",
    )
    password_reset_url: str = setting(
        "{public_url}/#/password/{uid}/{token}",
        help="The link of the mail for a new password; the page posts uid, token and the password twice.",
    )
    email_change_url: str = setting(
        "{public_url}/#/email/{uid}/{token}",
        help="The link of the mail that confirms another address; the page posts uid and token.",
    )
    order_url: str = setting(
        "", help="The link to an order, with {order_id} and {number} in it; empty: no link."
    )

    @property
    def sender(self) -> Address:
        """The sender. Raises ValueError where `from_address` is no address."""
        name, address = parseaddr(self.from_address or "no-reply@localhost")
        if not address:
            raise ValueError("is not an e-mail address")
        return Address(name or self.shop_name, addr_spec=address)

    @property
    def transport(self) -> str:
        """`none`, `starttls` or `tls`."""
        if self.smtp_security != "auto":
            return self.smtp_security
        return "none" if _is_loopback(self.smtp_host) else "starttls"


def check(config: NotificationsConfig, channels: Collection[str]) -> None:
    """Raises StartupError for settings that cannot work together."""
    missing = set(config.channels) - set(channels)
    if missing:
        raise StartupError(
            f"no plugin contributes the channel {sorted(missing)[0]!r} (of {sorted(channels)})"
        )
    if config.lease_seconds < SMTP_STEPS * config.smtp_timeout_seconds:
        raise StartupError("lease_seconds must be at least 15 times smtp_timeout_seconds")
    if config.templates_folder and not Path(config.templates_folder).is_dir():
        raise StartupError(f"templates_folder {config.templates_folder!r} is not a folder")
    try:
        _ = config.sender
    except (ValueError, IndexError) as error:
        raise StartupError(f"from_address {config.from_address!r}: {error}") from None
    if config.stock_address and "@" not in parseaddr(config.stock_address)[1]:
        raise StartupError(f"stock_address {config.stock_address!r} is not an e-mail address")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
