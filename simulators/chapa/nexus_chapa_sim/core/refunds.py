"""What happens to refunds: asked for, processed, paid out or reversed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from nexus_chapa_sim.configuration import Configuration
from nexus_chapa_sim.core.clock import Clock
from nexus_chapa_sim.core.identifiers import Identifiers
from nexus_chapa_sim.core.model import Refund, RefundState, State, Transaction
from nexus_chapa_sim.core.store import Store
from nexus_chapa_sim.delivery.notifier import Notifier

STEPS: dict[RefundState, frozenset[RefundState]] = {
    RefundState.INITIATED: frozenset({RefundState.PROCESSING, RefundState.REFUNDED, RefundState.REVERSED}),
    RefundState.PROCESSING: frozenset({RefundState.REFUNDED, RefundState.REVERSED}),
    RefundState.REFUNDED: frozenset({RefundState.REVERSED}),
    RefundState.REVERSED: frozenset(),
}
"""A refund may come back even after it was paid out."""


class UnknownRefund(LookupError):
    """There is no such refund."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no refund {name}.")


class IllegalRefundStep(Exception):
    """The refund's present state does not allow what was asked for."""

    def __init__(self, refund: Refund, target: RefundState) -> None:
        super().__init__(f"{refund.ref_id} is {refund.state} and cannot become {target}.")
        self.refund = refund


class NotPaid(Exception):
    """Nothing was paid that could be refunded."""


class RefundReferenceUsed(Exception):
    """The merchant has used this refund reference before."""


class RefundTooLarge(Exception):
    """More than is left of the payment, or nothing."""


class PartialRefund(Exception):
    """A part was asked for where only whole payments are refunded."""


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """What the merchant asks for; ``amount`` None means all of it."""

    amount: Decimal | None = None
    reference: str | None = None
    reason: str | None = None
    meta: Any = None
    outcome: RefundState = RefundState.REFUNDED


class Refunds:
    """The refunds of one merchant. With time they go on by ``progress``, which the sender's loop calls."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        store: Store,
        identifiers: Identifiers,
        notifier: Notifier,
    ) -> None:
        self._configuration = configuration
        self._clock = clock
        self._store = store
        self._identifiers = identifiers
        self._notifier = notifier

    def request(self, transaction: Transaction, wanted: RefundRequest) -> Refund:
        """Start a refund; raises NotPaid, RefundReferenceUsed, RefundTooLarge or PartialRefund."""
        settings, now = self._configuration.current, self._clock.now()
        with self._store.changed:
            self._check(transaction, wanted)
            scale = settings.time_scale
            ends_at = now + timedelta(seconds=settings.refund_completed_after / scale)
            reversed_later = wanted.outcome is RefundState.REVERSED
            starts_at = now + timedelta(seconds=settings.refund_processing_after / scale)
            amount = transaction.request.amount if wanted.amount is None else wanted.amount
            refund = Refund(
                id=str(len(self._store.refunds()) + 1),
                ref_id=self._identifiers.refund(lambda text: self._store.refund(text) is not None),
                tx_ref=transaction.tx_ref,
                amount=amount,
                currency=transaction.request.currency,
                created_at=now,
                updated_at=now,
                due_at=ends_at if reversed_later else min(starts_at, ends_at),
                ends_at=ends_at,
                reference=wanted.reference,
                reason=wanted.reason,
                meta=wanted.meta,
                outcome=wanted.outcome,
            )
            self._store.commit(refunds=[refund])
            return refund

    def find(self, ref_id: str, by_reference: bool = False) -> Refund:
        """A refund by the gateway's name of it, or by the merchant's too; raises UnknownRefund."""
        self.progress()
        for refund in self._store.refunds():
            if ref_id == refund.ref_id or (by_reference and ref_id == refund.reference):
                return refund
        raise UnknownRefund(ref_id)

    def all(self) -> list[Refund]:
        """Every refund, oldest first."""
        self.progress()
        return self._store.refunds()

    def of(self, tx_ref: str) -> list[Refund]:
        """The refunds of one transaction, oldest first."""
        return [refund for refund in self.all() if refund.tx_ref == tx_ref]

    def is_refunded(self, transaction: Transaction) -> bool:
        """Whether all of the money was paid out again."""
        given = [item.amount for item in self.of(transaction.tx_ref) if item.state is RefundState.REFUNDED]
        return sum(given, Decimal(0)) >= transaction.request.amount

    def process(self, ref_id: str) -> Refund:
        """Let it go on; raises UnknownRefund or IllegalRefundStep, as the next two do."""
        return self._change(ref_id, lambda refund: RefundState.PROCESSING)

    def complete(self, ref_id: str) -> Refund:
        """Let the money arrive."""
        return self._change(ref_id, lambda refund: RefundState.REFUNDED)

    def reverse(self, ref_id: str) -> Refund:
        """Let the money come back to the merchant."""
        return self._change(ref_id, lambda refund: RefundState.REVERSED)

    def next_due(self) -> datetime | None:
        """When the next refund goes on by itself, or None."""
        return min((item.due_at for item in self._store.refunds() if item.due_at is not None), default=None)

    def progress(self) -> None:
        """Take every step that is due."""
        with self._store.changed:
            while (due := self._next()) is not None:
                ends = due.state is RefundState.PROCESSING or due.outcome is RefundState.REVERSED
                self._move(due, due.outcome if ends else RefundState.PROCESSING)

    def _next(self) -> Refund | None:
        now = self._clock.now()
        waiting = [item for item in self._store.refunds() if item.due_at is not None and item.due_at <= now]
        return min(waiting, key=lambda item: item.due_at or now, default=None)

    def _check(self, transaction: Transaction, wanted: RefundRequest) -> None:
        if transaction.state is not State.SUCCESS:
            raise NotPaid
        earlier = self._store.refunds()
        if wanted.reference is not None and wanted.reference in {item.reference for item in earlier}:
            raise RefundReferenceUsed
        paid = transaction.request.amount
        taken = [
            item.amount
            for item in earlier
            if item.tx_ref == transaction.tx_ref and item.state is not RefundState.REVERSED
        ]
        amount = paid if wanted.amount is None else wanted.amount
        if amount <= 0 or sum(taken, amount) > paid:
            raise RefundTooLarge
        if amount != paid and not self._configuration.current.partial_refunds:
            raise PartialRefund

    def _change(self, ref_id: str, target: Callable[[Refund], RefundState]) -> Refund:
        with self._store.changed:
            refund = self.find(ref_id)
            return self._move(refund, target(refund))

    def _move(self, refund: Refund, target: RefundState) -> Refund:
        if target not in STEPS[refund.state]:
            raise IllegalRefundStep(refund, target)
        now = self._clock.now()
        due_at = refund.ends_at if target is RefundState.PROCESSING else None
        after = replace(refund, state=target, updated_at=now, due_at=due_at)
        transaction = self._store.transaction(refund.tx_ref)
        messages = []
        if transaction is not None:
            first = self._store.next_delivery_number()
            messages = self._notifier.refund_messages(transaction, after, now, first)
        self._store.commit(deliveries=messages, refunds=[after])
        return after
