"""For authors of payment providers: a base class that fails closed, and an HTTP client that never surprises.

This module needs httpx, which a provider's distribution declares for itself.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nexus_kernel.contracts.payments import (
    Failure,
    FailureCode,
    PaymentContext,
    Problem,
    ProviderEvent,
    ProviderInfo,
    RefundSnapshot,
    Result,
    Status,
    WebhookAuthError,
)
from nexus_kernel.money import Money

if TYPE_CHECKING:
    import httpx

REDACTED = "[redacted]"
SENSITIVE = ("secret", "token", "password", "signature", "authorization", "api_key", "card", "pin", "otp")
PERSONAL = ("name", "email", "phone", "mobile", "msisdn", "address", "account_number", "customer")
LARGEST_ANSWER = 1_048_576
CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 15.0


class GatewayUnclear(Exception):
    """The gateway's answer does not say what happened: the payment platform takes it as UNKNOWN."""


class BaseProvider:
    """Defaults that refuse: no capability is assumed, no webhook is believed, and names are redacted."""

    info: ProviderInfo
    test_mode: bool = True

    def check_config(self) -> Sequence[Problem]:
        """No problem."""
        return ()

    def cancel(self, ctx: PaymentContext) -> Result:
        """UNKNOWN: nothing was closed."""
        return Result(status=Status.UNKNOWN)

    def refund(self, ctx: PaymentContext, amount: Money, *, reason: str) -> Result:
        """DECLINED, so that a person gives the money back."""
        refused = Failure(code=FailureCode.CONFIGURATION, safe_message="This gateway gives no money back.")
        return Result(status=Status.DECLINED, failure=refused)

    def fetch_refund(self, ctx: PaymentContext) -> RefundSnapshot:
        """UNKNOWN, so that nothing is sent twice."""
        return RefundSnapshot(status=Status.UNKNOWN)

    def callback_reference(self, parameters: Mapping[str, str]) -> str | None:
        """None: a GET on the webhook address names no payment."""
        return None

    def parse_webhook(self, raw_body: bytes, headers: Mapping[str, str]) -> Sequence[ProviderEvent]:
        """Raises WebhookAuthError: this provider has no webhooks."""
        raise WebhookAuthError("this provider takes no webhooks")

    def redact(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """`raw` with the values of every key that sounds secret or personal hidden, at any depth."""
        return {str(key): _redacted(str(key), value) for key, value in raw.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway answered."""

    status: int
    body: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object of the body, with decimals as Decimal. Raises GatewayUnclear for anything else."""
        try:
            value = json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise GatewayUnclear(f"status {self.status} without readable JSON") from None
        if not isinstance(value, dict):
            raise GatewayUnclear(f"status {self.status} with JSON that is no object")
        return value


class GatewayClient:
    """HTTP for one gateway: time-outs, no redirects, no proxy of the environment, bounded answers.

    Every call is a connection of its own, so that a stale one cannot leave an outcome unknown. Raises
    httpx.HTTPError when nothing was answered, GatewayUnclear when the answer is too long or comes too slowly.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._made: tuple[int, httpx.Client] | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        json_body: Mapping[str, Any] | None = None,
        form_body: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, once, as JSON or as a form; `timeout` bounds the whole of it in seconds."""
        import httpx  # costs a fifth of a second, and is not needed before the first payment

        deadline = time.monotonic() + timeout
        limits = httpx.Timeout(min(READ_TIMEOUT, timeout), connect=min(CONNECT_TIMEOUT, timeout))
        url = self._base_url + path
        with self._client().stream(method, url, json=json_body, data=form_body, timeout=limits) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST_ANSWER or time.monotonic() > deadline:
                    raise GatewayUnclear("the answer is too long or comes too slowly")
            return Answer(response.status_code, bytes(body))

    def _client(self) -> "httpx.Client":
        import httpx

        if self._made is None or self._made[0] != os.getpid():
            client = httpx.Client(
                headers=self._headers,
                trust_env=False,
                follow_redirects=False,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
            self._made = (os.getpid(), client)
        return self._made[1]


def _redacted(key: str, value: Any) -> Any:
    if value is not None and any(word in key.lower() for word in (*SENSITIVE, *PERSONAL)):
        return REDACTED
    if isinstance(value, Mapping):
        return {str(inner): _redacted(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted("", item) for item in value]
    return value if isinstance(value, str | int | bool | None) else str(value)


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
