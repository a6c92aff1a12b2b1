"""The `PaymentService` of the contracts."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_kernel import Money, current_nexus
from nexus_kernel.contracts.payments import MethodView
from nexus_payments import tasks
from nexus_payments.services import refunds


class Payments:
    """Ways to pay, and money to be given back."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def methods(self) -> Mapping[str, MethodView]:
        """The ways to pay that are switched on, by code. No query."""
        return MappingProxyType(
            {
                code: MethodView(
                    code=code,
                    display_name=provider.info.display_name,
                    currencies=provider.info.currencies,
                    pending_ttl=provider.info.pending_ttl,
                )
                for code, provider in current_nexus().payment_providers.items()
            }
        )

    def refund(
        self,
        payable_kind: str,
        payable_id: UUID,
        amount: Money,
        *,
        reference: str,
        reason: str,
        actor_id: UUID | None,
    ) -> UUID:
        """As the contract says. Wants a transaction."""
        asked = refunds.ask(
            self._session,
            payable_kind,
            payable_id,
            amount,
            reference=reference,
            reason=reason,
            actor_id=actor_id,
        )
        for refund_id in asked:
            tasks.refund.enqueue(str(refund_id))
        return asked[0]
