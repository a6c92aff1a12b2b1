"""What merchants and customers can do with a payment, each step safe against doing it twice at once."""

from collections.abc import Callable
from datetime import datetime, timedelta

from nexus_chapa_sim.configuration import Configuration
from nexus_chapa_sim.core.clock import Clock
from nexus_chapa_sim.core.identifiers import Identifiers
from nexus_chapa_sim.core.machine import moved, noted
from nexus_chapa_sim.core.model import Mode, PaymentRequest, State, Transaction
from nexus_chapa_sim.core.money import percentage
from nexus_chapa_sim.core.store import Store
from nexus_chapa_sim.delivery.notifier import Notifier

DEFAULT_METHOD = "telebirr"


class ReferenceUsed(Exception):
    """The merchant has used this ``tx_ref`` before."""


class UnknownTransaction(LookupError):
    """There is no such transaction."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no transaction {name}.")


class Gateway:
    """The simulated gateway of one merchant.

    Every method returns the transaction as it is afterwards and raises UnknownTransaction when there is none;
    the ones that change a state raise IllegalTransition when the present one does not allow it.
    """

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

    def initialize(self, request: PaymentRequest, mode: Mode) -> Transaction:
        """Open a payment; raises ReferenceUsed when its ``tx_ref`` is taken, in whatever mode or state."""
        settings, now = self._configuration.current, self._clock.now()
        with self._store.changed:
            if self._store.transaction(request.tx_ref) is not None:
                raise ReferenceUsed(request.tx_ref)
            transaction = Transaction(
                request=request,
                token=self._identifiers.checkout_token(lambda text: self._store.by_token(text) is not None),
                mode=mode,
                charge=percentage(request.amount, settings.fee_percent),
                created_at=now,
                updated_at=now,
                deadline=now + timedelta(minutes=settings.deadline_minutes),
                max_attempts=settings.max_attempts,
            )
            return self._keep(noted(transaction, now, "Checkout link created"))

    def find(self, tx_ref: str) -> Transaction:
        """A transaction by the merchant's ``tx_ref``."""
        return self._current(self._store.transaction(tx_ref), tx_ref)

    def find_by_token(self, token: str) -> Transaction:
        """A transaction by the token of its checkout page."""
        return self._current(self._store.by_token(token), token)

    def find_by_reference(self, reference: str) -> Transaction:
        """A transaction by the gateway's own ``AP...`` reference."""
        return self._current(self._store.by_reference(reference), reference)

    def all(self) -> list[Transaction]:
        """Every transaction, oldest first."""
        return [self.find(transaction.tx_ref) for transaction in self._store.transactions()]

    def open(self, tx_ref: str) -> Transaction:
        """The customer looks at the page; only the first look changes something."""
        return self._change(tx_ref, self._opened)

    def submit(self, tx_ref: str, method: str = DEFAULT_METHOD, phone: str | None = None) -> Transaction:
        """Start an attempt, which then waits for the customer's confirmation."""
        return self._change(tx_ref, lambda found, now: self._submitted(found, now, method, phone))

    def pay(self, tx_ref: str, method: str = DEFAULT_METHOD, phone: str | None = None) -> Transaction:
        """Let the waiting attempt succeed; starts one when none is waiting."""
        return self._finish(tx_ref, State.SUCCESS, "Payment completed", method, phone)

    def fail(self, tx_ref: str, method: str = DEFAULT_METHOD, phone: str | None = None) -> Transaction:
        """Let the waiting attempt fail; starts one when none is waiting."""
        return self._finish(tx_ref, State.FAILED, "Payment failed", method, phone)

    def cancel(self, tx_ref: str, by: str = "customer") -> Transaction:
        """End an open payment for good."""
        return self._change(
            tx_ref, lambda found, now: moved(found, State.CANCELLED, now, f"Cancelled by {by}"), announce=True
        )

    def _finish(self, tx_ref: str, end: State, message: str, method: str, phone: str | None) -> Transaction:
        def change(found: Transaction, now: datetime) -> Transaction:
            if found.state is not State.PENDING:
                found = self._submitted(found, now, method, phone)
            return moved(found, end, now, message)

        return self._change(tx_ref, change, announce=True)

    def _opened(self, found: Transaction, now: datetime) -> Transaction:
        if found.state is not State.CREATED:
            return found
        return moved(found, State.ACTIVE, now, "Checkout page opened")

    def _submitted(self, found: Transaction, now: datetime, method: str, phone: str | None) -> Transaction:
        reference = found.reference or self._identifiers.reference(
            lambda text: self._store.by_reference(text) is not None
        )
        return moved(
            self._opened(found, now),
            State.PENDING,
            now,
            f"Attempt {found.attempts + 1} with {method}",
            attempts=found.attempts + 1,
            reference=reference,
            method=method,
            phone=phone or found.phone,
        )

    def _change(
        self, tx_ref: str, change: Callable[[Transaction, datetime], Transaction], announce: bool = False
    ) -> Transaction:
        with self._store.changed:
            found, now = self.find(tx_ref), self._clock.now()
            after = change(found, now)
            if after is found:
                return found
            return self._keep(after, now if announce else None)

    def _current(self, found: Transaction | None, name: str) -> Transaction:
        if found is None:
            raise UnknownTransaction(name)
        with self._store.changed:
            latest, now = self._store.transaction(found.tx_ref) or found, self._clock.now()
            if latest.is_open and now >= latest.deadline:
                return self._keep(moved(latest, State.EXPIRED, now, "Checkout link expired"))
            return latest

    def _keep(self, transaction: Transaction, announced_at: datetime | None = None) -> Transaction:
        messages = []
        if announced_at is not None:
            first = self._store.next_delivery_number()
            messages = self._notifier.messages(transaction, announced_at, first)
        self._store.commit([transaction], messages)
        return transaction
