"""A way to pay that takes whatever it is shown, so that the world has paid orders."""

from collections.abc import Iterable
from datetime import timedelta

from nexus_kernel import Manifest, Money, hookimpl
from nexus_kernel.contracts.payments import (
    PaymentContext,
    PaymentProvider,
    ProviderInfo,
    Redirect,
    Result,
    Snapshot,
    Status,
    WebhookTrust,
)
from nexus_kernel.providers import BaseProvider


class Till(BaseProvider):
    """A payment is paid as soon as somebody asks; a refund waits for a person."""

    info = ProviderInfo(
        code="till",
        display_name="Till",
        capabilities=frozenset(),
        currencies=None,
        webhook_trust=WebhookTrust.NONE,
        pending_ttl=timedelta(hours=1),
    )

    def __init__(self) -> None:
        self.taken: dict[str, Money] = {}

    def initiate(self, ctx: PaymentContext, amount: Money) -> Result:
        self.taken[ctx.reference] = amount
        page = Redirect(f"https://till.example/{ctx.reference}")
        return Result(status=Status.ACTION_REQUIRED, next_action=page)

    def fetch(self, ctx: PaymentContext) -> Snapshot:
        captured = self.taken[ctx.reference]
        return Snapshot(
            status=Status.SUCCEEDED, captured=captured, reference=ctx.reference, test_mode=self.test_mode
        )


class TillPlugin:
    """Offers the till."""

    MANIFEST = Manifest(name="till", summary="Takes whatever it is shown")

    @hookimpl
    def nexus_payment_providers(self) -> Iterable[PaymentProvider]:
        return [Till()]


TILL = TillPlugin()
