"""Misbehaviour on request: what goes wrong, where, and how often."""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum

from nexus_chapa_sim.core.money import parse_amount


class FaultKind(StrEnum):
    """What can go wrong; see the README for the effect of each."""

    DELAY = "delay"
    HTML_500 = "html_500"
    DROP_BEFORE_EFFECT = "drop_before_effect"
    DROP_AFTER_EFFECT = "drop_after_effect"
    EMPTY_BODY = "empty_body"
    INVALID_JSON = "invalid_json"
    NEVER = "never"
    DUPLICATE = "duplicate"
    WRONG_SIGNATURE = "wrong_signature"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_CURRENCY = "wrong_currency"
    TAMPERED = "tampered"
    WITHOUT_REF_ID = "without_ref_id"
    REJECTED = "rejected"
    REVERSED = "reversed"


WEBHOOK_KINDS = frozenset(
    {
        FaultKind.NEVER,
        FaultKind.DUPLICATE,
        FaultKind.WRONG_SIGNATURE,
        FaultKind.WRONG_AMOUNT,
        FaultKind.WRONG_CURRENCY,
        FaultKind.TAMPERED,
    }
)
REFUND_KINDS = frozenset({FaultKind.WITHOUT_REF_ID, FaultKind.REJECTED, FaultKind.REVERSED})
ENDPOINTS = (
    "initialize",
    "verify",
    "cancel",
    "events",
    "refund",
    "refund_verify",
    "currency_supported",
    "banks",
)
TARGETS = ("webhook", *ENDPOINTS)
MAX_DELAY = 120.0
MAX_COPIES = 1000


class FaultError(ValueError):
    """The fault that was asked for makes no sense; the text is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule. ``remaining`` None means until it is removed; ``tx_ref`` None means every transaction."""

    id: int
    target: str
    kind: FaultKind
    tx_ref: str | None
    remaining: int | None
    seconds: float
    copies: int
    value: str | None


class FaultBoard:
    """The rules in force; each use of a rule counts it down."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._lock = threading.Lock()
        self._last_id = 0

    def add(
        self,
        target: str,
        kind: str,
        *,
        count: int | None = 1,
        tx_ref: str | None = None,
        seconds: float = 1.0,
        copies: int = 2,
        value: str | None = None,
    ) -> Fault:
        """Set a fault for the next ``count`` uses of a target (None: until removed).

        ``seconds`` belongs to ``delay``, ``copies`` to ``duplicate``, ``value`` to the wrong amount or
        currency. Raises FaultError for an unknown target, a kind that the target cannot have or a bad number.
        """
        checked = _checked_kind(target, kind)
        _check_numbers(count, seconds, copies)
        if checked is FaultKind.WRONG_AMOUNT and value is not None and parse_amount(value) is None:
            raise FaultError("The value of a wrong amount is a number such as 0.01.")
        with self._lock:
            self._last_id += 1
            fault = Fault(self._last_id, target, checked, tx_ref, count, seconds, copies, value)
            self._faults[fault.id] = fault
            return fault

    def take(self, target: str, tx_ref: str | None) -> list[Fault]:
        """The faults that strike now, each counted down by one."""
        with self._lock:
            struck = [fault for fault in self._faults.values() if _strikes(fault, target, tx_ref)]
            for fault in struck:
                self._count_down(fault)
            return struck

    def active(self) -> list[Fault]:
        with self._lock:
            return list(self._faults.values())

    def remove(self, fault_id: int) -> bool:
        """Whether there was such a fault; it is gone now."""
        with self._lock:
            return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def _count_down(self, fault: Fault) -> None:
        if fault.remaining is None:
            return
        if fault.remaining > 1:
            self._faults[fault.id] = replace(fault, remaining=fault.remaining - 1)
        else:
            del self._faults[fault.id]


def _strikes(fault: Fault, target: str, tx_ref: str | None) -> bool:
    return fault.target == target and fault.tx_ref in {None, tx_ref}


def _checked_kind(target: str, kind: str) -> FaultKind:
    if target not in TARGETS:
        raise FaultError(f"The target is one of {', '.join(TARGETS)}.")
    allowed = sorted(_kinds_of(target))
    if kind not in allowed:
        raise FaultError(f"The kind of a fault of {target} is one of {', '.join(allowed)}.")
    return FaultKind(kind)


def _kinds_of(target: str) -> frozenset[FaultKind]:
    if target == "webhook":
        return WEBHOOK_KINDS
    kinds = frozenset(FaultKind) - WEBHOOK_KINDS
    return kinds if target == "refund" else kinds - REFUND_KINDS


def _check_numbers(count: int | None, seconds: float, copies: int) -> None:
    if count is not None and count < 1:
        raise FaultError("The count is at least 1, or null for a fault that stays until it is removed.")
    if not 0 <= seconds <= MAX_DELAY:
        raise FaultError(f"The seconds of a delay lie between 0 and {MAX_DELAY:g}.")
    if not 1 <= copies <= MAX_COPIES:
        raise FaultError(f"The copies lie between 1 and {MAX_COPIES}.")
