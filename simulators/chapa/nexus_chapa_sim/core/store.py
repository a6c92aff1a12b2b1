"""All transactions and messages, in memory; a journal may keep them over a restart."""

import threading
from collections.abc import Iterable
from typing import Protocol

from nexus_chapa_sim.core.model import Refund, Transaction
from nexus_chapa_sim.delivery.model import Delivery


class Journal(Protocol):
    """Keeps what the store is told, all or nothing per call."""

    def load(self) -> tuple[list[Transaction], list[Delivery], list[Refund]]: ...

    def save(
        self, transactions: Iterable[Transaction], deliveries: Iterable[Delivery], refunds: Iterable[Refund]
    ) -> None: ...

    def close(self) -> None: ...


class Store:
    """Indexes over immutable records. Whoever reads in order to write holds ``changed`` meanwhile."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._journal = journal
        self._transactions: dict[str, Transaction] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._refunds: dict[str, Refund] = {}
        self._waiting: dict[str, Delivery] = {}
        self._tx_ref_by_token: dict[str, str] = {}
        self._tx_ref_by_reference: dict[str, str] = {}
        if journal is not None:
            self._remember(*journal.load())

    def commit(
        self,
        transactions: Iterable[Transaction] = (),
        deliveries: Iterable[Delivery] = (),
        refunds: Iterable[Refund] = (),
    ) -> None:
        """Store new or newer records together and wake whoever waits for messages."""
        transactions, deliveries, refunds = list(transactions), list(deliveries), list(refunds)
        with self.changed:
            if self._journal is not None:
                self._journal.save(transactions, deliveries, refunds)
            self._remember(transactions, deliveries, refunds)
            self.changed.notify_all()

    def transaction(self, tx_ref: str) -> Transaction | None:
        with self.changed:
            return self._transactions.get(tx_ref)

    def by_token(self, token: str) -> Transaction | None:
        with self.changed:
            return self._transactions.get(self._tx_ref_by_token.get(token, ""))

    def by_reference(self, reference: str) -> Transaction | None:
        with self.changed:
            return self._transactions.get(self._tx_ref_by_reference.get(reference, ""))

    def delivery(self, delivery_id: str) -> Delivery | None:
        with self.changed:
            return self._deliveries.get(delivery_id)

    def refund(self, ref_id: str) -> Refund | None:
        with self.changed:
            return self._refunds.get(ref_id)

    def refunds(self) -> list[Refund]:
        with self.changed:
            return list(self._refunds.values())

    def transactions(self) -> list[Transaction]:
        with self.changed:
            return list(self._transactions.values())

    def deliveries(self) -> list[Delivery]:
        with self.changed:
            return list(self._deliveries.values())

    def waiting(self) -> list[Delivery]:
        """Messages that are still to be sent, in the order in which they began to wait."""
        with self.changed:
            return list(self._waiting.values())

    def next_delivery_number(self) -> int:
        with self.changed:
            return len(self._deliveries) + 1

    def close(self) -> None:
        with self.changed:
            if self._journal is not None:
                self._journal.close()

    def _remember(
        self, transactions: Iterable[Transaction], deliveries: Iterable[Delivery], refunds: Iterable[Refund]
    ) -> None:
        for refund in refunds:
            self._refunds[refund.ref_id] = refund
        for transaction in transactions:
            self._transactions[transaction.tx_ref] = transaction
            self._tx_ref_by_token[transaction.token] = transaction.tx_ref
            if transaction.reference:
                self._tx_ref_by_reference[transaction.reference] = transaction.tx_ref
        for delivery in deliveries:
            self._deliveries[delivery.id] = delivery
            if delivery.due_at is None:
                self._waiting.pop(delivery.id, None)
            else:
                self._waiting[delivery.id] = delivery
