"""What can be configured; every default is the strictest behaviour that is plausible for the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

SignatureHeaders = Literal["both", "x-only", "constant-only", "none"]
BodyStyle = Literal["php", "js"]
ReturnStyle = Literal["none", "append"]
AmountFormat = Literal["number", "string"]
RefundSignals = Literal["both", "webhook-only", "verify-only"]
RefundEvents = Literal["charge", "refund"]
AccountStatus = Literal["active", "cannot_receive", "api_disabled"]

TEST_PREFIX = "CHASECK_TEST-"
LIVE_PREFIX = "CHASECK-"
DEFAULT_SECRET_KEY = f"{TEST_PREFIX}simulator"

DOCUMENTED_SCHEDULE = (600.0,) * 10
"""Seconds between deliveries as Chapa documents them: ten repeats, ten minutes apart."""

QUICK_SCHEDULE = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, *DOCUMENTED_SCHEDULE)
"""For demonstrations: repeats double from one second, then follow the documented rhythm."""

WEEK = 7 * 24 * 3600.0

SCHEDULES = {"documented": DOCUMENTED_SCHEDULE, "quick": QUICK_SCHEDULE}

_CHOICES: dict[str, tuple[str, ...]] = {
    "signature_headers": get_args(SignatureHeaders),
    "webhook_body": get_args(BodyStyle),
    "return_style": get_args(ReturnStyle),
    "amount_format": get_args(AmountFormat),
    "account_status": get_args(AccountStatus),
    "refund_signals": get_args(RefundSignals),
    "refund_events": get_args(RefundEvents),
}


class SettingsError(ValueError):
    """A setting has a value that the simulator cannot work with; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Subaccount:
    """A registered subaccount; ``split_value`` is the merchant's own share, flat or as a fraction of 1."""

    id: str
    split_type: Literal["percentage", "flat"]
    split_value: Decimal


@dataclass(frozen=True, slots=True)
class Settings:
    """All knobs of one simulated merchant. Durations are seconds unless the name says otherwise."""

    secret_keys: tuple[str, ...] = (DEFAULT_SECRET_KEY,)
    webhook_secret: str = ""
    webhook_url: str = ""
    merchant_name: str = "Simulated Merchant"
    account_status: AccountStatus = "active"
    subaccounts: tuple[Subaccount, ...] = ()
    fee_percent: Decimal = Decimal("3.5")
    deadline_minutes: int = 60
    max_attempts: int = 10
    title_limit: int = 16
    description_limit: int = 50
    accept_form: bool = True
    verify_accepts_reference: bool = False
    amount_format: AmountFormat = "number"
    refund_live_only: bool = True
    partial_refunds: bool = True
    refund_processing_after: float = 3600.0
    refund_completed_after: float = 86_400.0
    refund_signals: RefundSignals = "both"
    refund_events: RefundEvents = "charge"
    refund_verify_accepts_reference: bool = False
    signature_headers: SignatureHeaders = "both"
    webhook_body: BodyStyle = "php"
    retry_delays: tuple[float, ...] = DOCUMENTED_SCHEDULE
    delivery_timeout: float = 10.0
    time_scale: float = 1.0
    callback: bool = True
    return_style: ReturnStyle = "none"
    redirect_delay: int = 2
    seed: int | None = None

    def __post_init__(self) -> None:
        _check_keys(self.secret_keys)
        _check_choices(self)
        _check_numbers(self)
        if self.webhook_url and not is_http_url(self.webhook_url):
            raise SettingsError(f"The webhook address {self.webhook_url!r} is not an http or https URL.")

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """A copy with other values.

        Raises SettingsError for an unknown name or a value that does not fit.
        """
        unknown = sorted(set(changes) - {field.name for field in fields(self)})
        if unknown:
            raise SettingsError(f"There is no setting named {unknown[0]!r}.")
        return replace(self, **changes)

    def signing_secret(self, mode: str) -> str:
        """The secret that webhooks are signed with: the webhook secret, else the API key of that mode."""
        return self.webhook_secret or next(
            (key for key in self.secret_keys if key_mode(key) == mode), self.secret_keys[0]
        )


def key_mode(key: str) -> str:
    """``test`` or ``live``, as told by the key's prefix."""
    return "test" if key.startswith(TEST_PREFIX) else "live"


def is_http_url(text: str) -> bool:
    """Whether text is an absolute http or https URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def parse_schedule(text: str) -> tuple[float, ...]:
    """Seconds between deliveries, from a name of SCHEDULES or a list such as ``5,30,600``.

    Raises SettingsError when it is neither.
    """
    if text in SCHEDULES:
        return SCHEDULES[text]
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        names = ", ".join(SCHEDULES)
        raise SettingsError(f"The retry schedule is one of {names} or seconds such as 5,30,600.") from None


def parse_subaccount(text: str) -> Subaccount:
    """A subaccount from ``ID:percentage:0.03`` or ``ID:flat:25``; raises SettingsError otherwise."""
    identifier, _, rest = text.partition(":")
    split_type, _, value = rest.partition(":")
    try:
        share = Decimal(value)
    except ArithmeticError:
        share = Decimal(-1)
    if identifier and share.is_finite() and share >= 0:
        if split_type == "percentage":
            return Subaccount(identifier, "percentage", share)
        if split_type == "flat":
            return Subaccount(identifier, "flat", share)
    raise SettingsError(f"The subaccount {text!r} is not of the form ID:percentage:0.03 or ID:flat:25.")


def _check_keys(keys: tuple[str, ...]) -> None:
    if not keys:
        raise SettingsError("At least one secret key is needed.")
    for key in keys:
        if not key.startswith((TEST_PREFIX, LIVE_PREFIX)) or not key.isascii() or len(key.split()) != 1:
            raise SettingsError(f"A secret key begins with {TEST_PREFIX} or {LIVE_PREFIX} and has no spaces.")


def _check_choices(settings: Settings) -> None:
    for name, allowed in _CHOICES.items():
        if getattr(settings, name) not in allowed:
            raise SettingsError(f"The setting {name} is one of {', '.join(allowed)}.")


def _check_numbers(settings: Settings) -> None:
    if not 5 <= settings.deadline_minutes <= 60:
        raise SettingsError("The deadline lies between 5 and 60 minutes.")
    if not settings.fee_percent.is_finite() or not 0 <= settings.fee_percent < 100:
        raise SettingsError("The fee lies between 0 and 100 percent.")
    if settings.max_attempts < 1:
        raise SettingsError("At least one payment attempt must be allowed.")
    if not all(0 < delay < WEEK for delay in settings.retry_delays):
        raise SettingsError("Every delay of the retry schedule is greater than zero and less than a week.")
    refund_times = (settings.refund_processing_after, settings.refund_completed_after)
    if not all(0 <= seconds <= 8 * WEEK for seconds in refund_times):
        raise SettingsError("A refund takes between 0 seconds and 8 weeks.")
    positive = 0 < settings.time_scale < WEEK and 0 < settings.delivery_timeout < WEEK
    if not positive or settings.redirect_delay < 0:
        raise SettingsError(
            "The time scale and the delivery timeout are positive, the redirect delay is not negative."
        )
