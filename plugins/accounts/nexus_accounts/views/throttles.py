"""How often the routes may be used. Each raises Throttled (429), the same whatever exists."""

from uuid import UUID

from nexus_accounts.addresses import email_key
from nexus_accounts.config import AccountsConfig
from nexus_kernel import settings, throttle, throttle_client


def count_sign_in() -> None:
    """A sign-in from this client network; the account is counted where the password is looked at."""
    throttle_client("accounts.sign_in_client", settings(AccountsConfig).sign_in_client_rate)


def count_registration() -> None:
    """A registration from this client network."""
    throttle_client("accounts.register", settings(AccountsConfig).registration_rate)


def count_mail(email: str) -> None:
    """A request for a mail, from this client network and to this address."""
    config = settings(AccountsConfig)
    throttle_client("accounts.mail_client", config.mail_client_rate)
    throttle("accounts.mail_address", email_key(email), config.mail_account_rate)


def count_mail_of(person_id: UUID) -> None:
    """A request for a mail by this person, to whichever address."""
    throttle("accounts.mail_person", str(person_id), settings(AccountsConfig).mail_account_rate)


def count_link() -> None:
    """The use of a mailed link, which may be a guess."""
    throttle_client("accounts.link", settings(AccountsConfig).link_rate)


def count_refresh() -> None:
    """A refresh from this client network."""
    throttle_client("accounts.refresh", settings(AccountsConfig).refresh_rate)
