"""What payments know of a person, for the hook `nexus_data_subjects`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_, update

from nexus_kernel import current_session
from nexus_payments.models import OPEN, Payment, ProviderEvent, Refund


class PaymentsData:
    """A person's payments. The amounts, references and the redacted ledger stay: they are the books."""

    name = "payments"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """Every attempt to pay, and what was given back. Two queries."""
        session = current_session()
        mine = select(Payment).where(Payment.owner_id == person_id)
        back = select(Refund).join(Payment).where(Payment.owner_id == person_id)
        return {
            "payments": [
                _payment(payment)
                for payment in session.scalars(mine.order_by(Payment.created_at, Payment.id))
            ],
            "refunds": [
                _refund(refund) for refund in session.scalars(back.order_by(Refund.created_at, Refund.id))
            ],
        }

    def erase(self, person_id: UUID) -> None:
        """Forget addresses of pages, and the webhooks' bodies, in which gateways repeat a buyer's name.

        An open attempt keeps its page until it has ended. A body that comes later goes with its retention.
        """
        session, row = current_session(), ProviderEvent
        mine = select(Payment.provider, Payment.reference).where(Payment.owner_id == person_id)
        first = select(func.min(Payment.created_at)).where(Payment.owner_id == person_id).scalar_subquery()
        back = select(Refund.provider, Refund.reference).join(Payment).where(Payment.owner_id == person_id)
        named = or_(
            tuple_(row.provider, row.reference).in_(mine),
            tuple_(row.provider, row.refund_reference).in_(back),
        )
        told = (row.received_at >= first, named)
        ended = (Payment.owner_id == person_id, Payment.status.not_in(OPEN))
        statements = (
            update(row).where(row.body.is_not(None), *told).values(body=None, headers={}),
            update(Payment).where(Payment.owner_id == person_id).values(return_url=None),
            update(Payment).where(*ended).values(checkout_url=None),
        )
        for statement in statements:
            session.execute(statement.execution_options(synchronize_session=False))


def _payment(payment: Payment) -> dict[str, Any]:
    names = ("description", "provider", "method", "reference", "status", "created_at", "succeeded_at")
    amount = {"amount": str(payment.amount), "currency": payment.currency}
    return {**{name: getattr(payment, name) for name in names}, **amount}


def _refund(refund: Refund) -> dict[str, Any]:
    names = ("provider", "reference", "reason", "status", "created_at", "settled_at")
    amount = {"amount": str(refund.amount), "currency": refund.currency}
    return {**{name: getattr(refund, name) for name in names}, **amount}
