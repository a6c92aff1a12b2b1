"""How often a password may be guessed, without handing strangers a lock for other people's doors.

Wrong passwords are counted for the account, whether it exists or not. A network from which its person signed
in before, or reset the password, is known for a month and has a count of its own: so whoever guesses from
elsewhere, however long, never locks the person out at home. Away from home during such an attack the way in
is to reset the password, which makes the new network known (OWASP's device cookies, by network).
"""

from dataclasses import dataclass

from nexus_accounts.addresses import email_key
from nexus_accounts.config import AccountsConfig
from nexus_kernel import current_throttle, settings

KNOWN_SECONDS = 30 * 86_400
_KNOWN = "accounts.known_network"
_AT_HOME = "accounts.sign_in_at_home"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt, counted as a failure before the password is looked at, so that many at once count too."""

    name: str
    key: str
    account: str
    network: str

    def succeeded(self) -> None:
        """The password was right: forget the failures, and know the network from now on."""
        current_throttle().forgive(self.name, self.key, settings(AccountsConfig).sign_in_account_rate)
        _know(self.account, self.network)


def begin(email: str, network: str) -> Attempt:
    """Count an attempt at this address from this network. Raises Throttled."""
    account, counts = email_key(email), current_throttle()
    rate, here = settings(AccountsConfig).sign_in_account_rate, _here(account, network)
    known = bool(rate) and counts.is_noted(_KNOWN, here)
    name, key = (_AT_HOME, here) if known else ("accounts.sign_in", account)
    counts.hit(name, key, rate)
    return Attempt(name, key, account, network)


def proved(email: str, network: str) -> None:
    """The person reset the password from here: a right password will do from this network again."""
    account, rate = email_key(email), settings(AccountsConfig).sign_in_account_rate
    current_throttle().forgive(_AT_HOME, _here(account, network), rate)
    _know(account, network)


def _know(account: str, network: str) -> None:
    if settings(AccountsConfig).sign_in_account_rate:
        current_throttle().note(_KNOWN, _here(account, network), KNOWN_SECONDS)


def _here(account: str, network: str) -> str:
    return f"{account} {network}"
