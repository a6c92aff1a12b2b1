"""The states of a transaction and the only way to change them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from nexus_chapa_sim.core.model import LogEntry, State, Transaction

TRANSITIONS: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.ACTIVE, State.CANCELLED, State.EXPIRED}),
    State.ACTIVE: frozenset({State.PENDING, State.CANCELLED, State.EXPIRED}),
    State.PENDING: frozenset({State.SUCCESS, State.FAILED}),
    State.FAILED: frozenset({State.PENDING, State.CANCELLED, State.EXPIRED}),
    State.SUCCESS: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}
"""``failed`` is not final: the same transaction may be tried again until its attempts are used up."""


class IllegalTransition(Exception):
    """The transaction's present state does not allow what was asked for."""

    def __init__(self, transaction: Transaction, target: State) -> None:
        super().__init__(f"{transaction.tx_ref} is {transaction.state} and cannot become {target}.")
        self.transaction = transaction
        self.target = target


def moved(
    transaction: Transaction, target: State, now: datetime, message: str, **changes: Any
) -> Transaction:
    """The transaction in its next state; raises IllegalTransition when there is no such step."""
    exhausted = transaction.state is State.FAILED and not transaction.is_open
    if exhausted or target not in TRANSITIONS[transaction.state]:
        raise IllegalTransition(transaction, target)
    return noted(replace(transaction, state=target, updated_at=now, **changes), now, message)


def noted(transaction: Transaction, now: datetime, message: str, kind: str = "log") -> Transaction:
    """The transaction with one more line in its event log."""
    entry = LogEntry(item=len(transaction.log) + 1, message=message, type=kind, created_at=now)
    return replace(transaction, log=(*transaction.log, entry))
