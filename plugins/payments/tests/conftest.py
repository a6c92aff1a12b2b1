"""A shop with one payable after another, and a gateway whose behaviour a test scripts."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import nexus_payments.plugin
import pytest
from nexus_payments.models import Payment, ProviderEvent, Refund, TransactionLog
from sqlalchemy import select, text, update

from nexus_kernel import (
    Manifest,
    Money,
    Subscription,
    current_session,
    hookimpl,
    new_id,
    services,
    transaction,
)
from nexus_kernel.contracts.events import Delivery
from nexus_kernel.contracts.payments import (
    Capability,
    Failure,
    FailureCode,
    Payable,
    PaymentContext,
    PaymentFailed,
    PaymentNeedsReview,
    PaymentRefunded,
    PaymentService,
    PaymentSucceeded,
    ProviderInfo,
    Redirect,
    RefundRejected,
    RefundSnapshot,
    Result,
    Snapshot,
    Status,
    WebhookAuthError,
    WebhookMalformed,
    WebhookTrust,
)
from nexus_kernel.contracts.payments import ProviderEvent as Claim
from nexus_kernel.providers import BaseProvider
from nexus_kernel.testing import StandInAccounts, auth_headers, drain

SECRET = b"scripted-secret"


class ScriptedProvider(BaseProvider):
    """A gateway in memory. `on_initiate`, `on_fetch` and their like replace its honest behaviour.

    It takes the reference of a refund once, and gives back no more than was paid.
    """

    def __init__(self) -> None:
        self.info = ProviderInfo(
            code="scripted",
            display_name="Scripted",
            capabilities=frozenset(Capability),
            currencies=frozenset({"ETB", "USD"}),
            webhook_trust=WebhookTrust.SIGNED,
            pending_ttl=timedelta(hours=1),
            min_minor=100,
            max_minor=1_000_000,
            retry_after_decline=True,
        )
        self._lock, self._honest = threading.Lock(), self.info
        self.reset()

    def reset(self) -> None:
        self.test_mode = True
        self.reset_info()
        self.given: dict[str, tuple[str, RefundSnapshot]] = {}
        self.asked_back: list[PaymentContext] = []
        self.on_refund: Callable[[PaymentContext, Money], Result] = self.give_back
        self.on_fetch_refund: Callable[[PaymentContext], RefundSnapshot] = self.tell_refund
        self.problems: list[Any] = []
        self.paid: dict[str, Snapshot] = {}
        self.opened: list[PaymentContext] = []
        self.fetched: list[str] = []
        self.cancelled: list[str] = []
        self.on_initiate: Callable[[PaymentContext, Money], Result] = self.open
        self.on_fetch: Callable[[PaymentContext], Snapshot] = self.tell
        self.on_cancel: Callable[[PaymentContext], Result] = self.close

    def check_config(self) -> Sequence[Any]:
        return self.problems

    def initiate(self, ctx: PaymentContext, amount: Money) -> Result:
        return self.on_initiate(ctx, amount)

    def fetch(self, ctx: PaymentContext) -> Snapshot:
        self.fetched.append(ctx.reference)
        return self.on_fetch(ctx)

    def cancel(self, ctx: PaymentContext) -> Result:
        self.cancelled.append(ctx.reference)
        return self.on_cancel(ctx)

    def open(self, ctx: PaymentContext, amount: Money) -> Result:
        self.opened.append(ctx)
        self.paid[ctx.reference] = Snapshot(
            status=Status.ACTION_REQUIRED, captured=amount, reference=ctx.reference, test_mode=True
        )
        return Result(
            status=Status.ACTION_REQUIRED,
            next_action=Redirect(f"https://pay.example/{ctx.reference}"),
            raw={"link": "sent", "secret": "do-not-store"},
        )

    def tell(self, ctx: PaymentContext) -> Snapshot:
        return self.paid.get(ctx.reference) or Snapshot(status=Status.UNKNOWN, known=False)

    def close(self, ctx: PaymentContext) -> Result:
        self.set(ctx.reference, status=Status.CANCELED)
        return Result(status=Status.CANCELED)

    def refused(self, code: FailureCode, message: str, *, retryable: bool = False) -> Result:
        failure = Failure(code=code, safe_message=message, retryable=retryable)
        return Result(status=Status.DECLINED, failure=failure)

    def reset_info(self) -> None:
        self.info = self._honest

    def lacks(self, *capabilities: Capability) -> None:
        self.info = replace(self.info, capabilities=self.info.capabilities - set(capabilities))

    def refund(self, ctx: PaymentContext, amount: Money, *, reason: str) -> Result:
        self.asked_back.append(ctx)
        return self.on_refund(ctx, amount)

    def fetch_refund(self, ctx: PaymentContext) -> RefundSnapshot:
        return self.on_fetch_refund(ctx)

    def give_back(self, ctx: PaymentContext, amount: Money) -> Result:
        with self._lock:
            reference = str(ctx.refund_reference)
            if reference in self.given:
                return self.refused(FailureCode.DUPLICATE_REFERENCE, "Used before.")
            given = sum(
                snapshot.amount.minor
                for of, snapshot in self.given.values()
                if of == ctx.reference and snapshot.status in (Status.PENDING, Status.SUCCEEDED)
            )
            if given + amount.minor > self.paid[ctx.reference].captured.minor:
                return self.refused(FailureCode.INVALID_REQUEST, "More than is left.")
            self.given[reference] = (
                ctx.reference,
                RefundSnapshot(
                    status=Status.PENDING, amount=amount, reference=reference, provider_ref=f"G-{reference}"
                ),
            )
            return Result(status=Status.PENDING, provider_ref=f"G-{reference}", raw={"secret": "hidden"})

    def tell_refund(self, ctx: PaymentContext) -> RefundSnapshot:
        unheard_of = RefundSnapshot(status=Status.UNKNOWN, known=False)
        return self.given.get(str(ctx.refund_reference), ("", unheard_of))[1]

    def move_refunds(self, status: Status, **changes: Any) -> None:
        for reference, (of, snapshot) in self.given.items():
            self.given[reference] = (of, replace(snapshot, status=status, **changes))

    def set(self, reference: str, **changes: Any) -> None:
        self.paid[reference] = replace(self.paid[reference], **changes)

    def pay(self, reference: str, **changes: Any) -> None:
        self.set(reference, status=Status.SUCCEEDED, **changes)

    def callback_reference(self, parameters: Mapping[str, str]) -> str | None:
        return parameters.get("ref")

    def parse_webhook(self, raw_body: bytes, headers: Mapping[str, str]) -> Sequence[Claim]:
        expected = hmac.new(SECRET, raw_body, hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(headers.get("x-signature", "").encode("utf-8", "replace"), expected):
            raise WebhookAuthError("wrong signature")
        try:
            value = json.loads(raw_body)
            reference = value["ref"]
        except (ValueError, KeyError, TypeError):
            raise WebhookMalformed("not an object with `ref`") from None
        key = hashlib.sha256(raw_body).hexdigest()
        return [
            Claim(
                dedupe_key=key,
                kind=value.get("kind", "paid"),
                reference=reference,
                about_refund="refund" in value,
                refund_reference=value.get("refund"),
                refund_provider_ref=value.get("refund_provider_ref"),
            )
        ]


class Shop:
    """Holds the payables, provides the gateway, and hears the events."""

    MANIFEST = Manifest(name="shop", summary="Orders from memory, and a scripted gateway")
    kind = "order"

    def __init__(self) -> None:
        self.gateway = ScriptedProvider()
        self.reset()

    def __repr__(self) -> str:
        return "Shop"

    def reset(self) -> None:
        self.gateway.reset()
        self.payables: dict[UUID, Payable] = {}
        self.heard: list[Any] = []

    def add(self, owner: UUID, amount: Money | None = None, **changes: Any) -> UUID:
        payable = Payable(
            kind="order",
            id=new_id(),
            number="N-1001",
            owner_id=owner,
            amount=Money(25000, "ETB") if amount is None else amount,
            description="Order N-1001",
        )
        self.payables[payable.id] = replace(payable, **changes)
        return payable.id

    def change(self, order: UUID, **changes: Any) -> None:
        self.payables[order] = replace(self.payables[order], **changes)

    def resolve(self, ids: Sequence[UUID]) -> Mapping[UUID, Payable]:
        current_session()
        return {id: self.payables[id] for id in ids if id in self.payables}

    def hear(self, event: Any, delivery: Delivery) -> None:
        self.heard.append(event)

    @hookimpl
    def nexus_payables(self) -> Sequence[Any]:
        return [self]

    @hookimpl
    def nexus_payment_providers(self) -> Sequence[Any]:
        return [self.gateway]

    @hookimpl
    def nexus_subscriptions(self) -> Sequence[Subscription]:
        return [
            Subscription(PaymentSucceeded, self.hear, "shop.hear_succeeded"),
            Subscription(PaymentFailed, self.hear, "shop.hear_failed"),
            Subscription(PaymentNeedsReview, self.hear, "shop.hear_review"),
            Subscription(PaymentRefunded, self.hear, "shop.hear_refunded"),
            Subscription(RefundRejected, self.hear, "shop.hear_rejected"),
        ]


THE_SHOP, ACCOUNTS = Shop(), StandInAccounts()


@pytest.fixture(scope="session")
def nexus_plugins() -> Sequence[object]:
    return [nexus_payments.plugin, THE_SHOP, ACCOUNTS]


@pytest.fixture
def shop() -> Shop:
    THE_SHOP.reset()
    return THE_SHOP


@pytest.fixture
def gateway(shop: Shop) -> ScriptedProvider:
    return shop.gateway


@pytest.fixture
def buyer() -> UUID:
    return ACCOUNTS.add("abebe@example.com")


class Bench:
    """What these tests do to the application."""

    def __init__(self, app: Any, shop: Shop, buyer: UUID) -> None:
        self.app, self.shop, self.buyer = app, shop, buyer
        self.headers = auth_headers(app, person_id=buyer)

    def initiate(self, order: UUID, **body: Any) -> Any:
        headers = {**self.headers, **body.pop("headers", {})}
        return self.app.test_client().post(
            "/api/payments/initiate/", json={"order_id": str(order), **body}, headers=headers
        )

    def opened(self, order: UUID | None = None) -> Any:
        """The answer of a payment that was just opened."""
        response = self.initiate(order or self.shop.add(self.buyer))
        assert response.status_code == 201, response.text
        return response.json

    def webhook(self, body: bytes, signature: str | None = None, path: str = "scripted/") -> Any:
        signed = signature or self.sign(body)
        return self.app.test_client().post(
            f"/api/payments/webhook/{path}", data=body, headers={"X-Signature": signed}
        )

    def sign(self, body: bytes) -> str:
        return hmac.new(SECRET, body, hashlib.sha256).hexdigest()

    def notify(self, reference: str, **extra: Any) -> Any:
        return self.webhook(json.dumps({"ref": reference, **extra}).encode())

    def payments(self) -> list[Payment]:
        with self.app.app_context(), transaction() as session:
            return list(session.scalars(select(Payment).order_by(Payment.id)))

    def payment(self) -> Payment:
        (payment,) = self.payments()
        return payment

    def events(self) -> list[ProviderEvent]:
        with self.app.app_context(), transaction() as session:
            return list(session.scalars(select(ProviderEvent).order_by(ProviderEvent.id)))

    def log(self) -> list[TransactionLog]:
        with self.app.app_context(), transaction() as session:
            return list(session.scalars(select(TransactionLog).order_by(TransactionLog.id)))

    def refunds(self) -> list[Refund]:
        with self.app.app_context(), transaction() as session:
            return list(session.scalars(select(Refund).order_by(Refund.id)))

    def refund(self) -> Refund:
        (refund,) = self.refunds()
        return refund

    def paid(self, order: UUID | None = None) -> Any:
        """The answer of a payment that was opened, paid and booked."""
        answer = self.opened(order)
        self.shop.gateway.pay(answer["tx_ref"])
        self.notify(answer["tx_ref"])
        self.drain()
        return answer

    def ask_back(self, order: UUID, amount: Money, reference: str = "R-1", **extra: Any) -> UUID:
        """What another plugin does."""
        with self.app.app_context(), transaction():
            given = {"reason": "Changed mind", "actor_id": None, **extra}
            return services.get(PaymentService).refund("order", order, amount, reference=reference, **given)

    def staff(self, path: str, **body: Any) -> Any:
        """POST by staff."""
        headers = {**auth_headers(self.app, "staff"), **body.pop("headers", {})}
        return self.app.test_client().post(f"/api/payments{path}", json=body, headers=headers)

    def heard(self, kind: type) -> list[Any]:
        return [event for event in self.shop.heard if isinstance(event, kind)]

    def lose_messages(self) -> None:
        self.app.extensions["nexus"].dispatcher.sent.clear()

    def change(self, **values: Any) -> None:
        with self.app.app_context(), transaction() as session:
            session.execute(update(Payment).values(**values))

    def pass_time(self, minutes: float) -> None:
        """As if everything in the tables had happened so much earlier."""
        with self.app.app_context(), transaction() as session:
            for table, columns in (
                ("payments_payment", ("created_at", "deadline", "next_check_at", "checked_at")),
                ("payments_payment", ("busy_until", "closed_at")),
                ("payments_provider_event", ("received_at", "available_at")),
                ("payments_refund", ("next_check_at", "busy_until", "sent_at", "first_sent_at")),
            ):
                changes = ", ".join(f"{c} = {c} - :minutes * interval '1 minute'" for c in columns)
                session.execute(text(f"UPDATE {table} SET {changes}"), {"minutes": minutes})

    def sweep(self) -> None:
        """What the beat does, with every message lost."""
        from nexus_payments.tasks import sweep_checks, sweep_events, sweep_refunds

        self.lose_messages()
        with self.app.app_context():
            sweep_events.function()
            sweep_checks.function()
            sweep_refunds.function()
        drain(self.app)

    def drain(self) -> None:
        drain(self.app)


@pytest.fixture
def bench(app: Any, shop: Shop, buyer: UUID) -> Bench:
    return Bench(app, shop, buyer)


def slowly(call: Callable[..., Any], seconds: float = 0.3) -> Callable[..., Any]:
    """`call` after a pause, and how often it ran at the same time is of no concern to it."""
    lock = threading.Lock()

    def slow(*args: Any) -> Any:
        with lock:
            time.sleep(seconds)
            return call(*args)

    return slow


@pytest.fixture
def slow() -> Callable[..., Any]:
    return slowly
