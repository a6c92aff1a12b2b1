"""Turns an outcome into messages, bent by whatever webhook faults are set."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from nexus_chapa_sim.configuration import Configuration
from nexus_chapa_sim.core.model import Refund, RefundState, State, Transaction
from nexus_chapa_sim.core.money import CENT, two_decimals
from nexus_chapa_sim.delivery.model import Delivery
from nexus_chapa_sim.delivery.payloads import (
    charge_event,
    charge_refund_event,
    outcome_parameters,
    refund_event,
    with_parameters,
)
from nexus_chapa_sim.delivery.serialise import encode_body
from nexus_chapa_sim.delivery.signing import PAYLOAD_HEADER, signature_headers
from nexus_chapa_sim.faults import Fault, FaultBoard, FaultKind

USER_AGENT = "nexus-chapa-sim"


class Notifier:
    """Writes the messages that follow an outcome; sending them is the outbox's work."""

    def __init__(self, configuration: Configuration, faults: FaultBoard) -> None:
        self._configuration = configuration
        self._faults = faults

    def messages(self, transaction: Transaction, now: datetime, first_number: int) -> list[Delivery]:
        """Callback and webhooks of a success or failure; a cancellation is told by webhook alone."""
        drafts = [
            *self._callbacks(transaction, now),
            *self._webhooks(transaction, charge_event(transaction), now),
        ]
        return _numbered(drafts, first_number)

    def refund_messages(
        self, transaction: Transaction, refund: Refund, now: datetime, first_number: int
    ) -> list[Delivery]:
        """Webhooks of a refund's step; ``charge.refunded`` comes twice, ``refund.*`` at the end alone."""
        settings = self._configuration.current
        if settings.refund_signals == "verify-only":
            return []
        if settings.refund_events == "charge":
            payload = charge_refund_event(transaction, refund)
        elif refund.state is RefundState.PROCESSING:
            return []
        else:
            payload = refund_event(transaction, refund)
        return _numbered(list(self._webhooks(transaction, payload, now)), first_number)

    def _callbacks(self, transaction: Transaction, now: datetime) -> Iterator[Delivery]:
        url = transaction.request.callback_url
        told = transaction.state in {State.SUCCESS, State.FAILED}
        if url and told and self._configuration.current.callback:
            yield Delivery(
                id="",
                kind="callback",
                tx_ref=transaction.tx_ref,
                event="callback",
                method="GET",
                url=with_parameters(url, outcome_parameters(transaction)),
                created_at=now,
                due_at=now,
                headers=(("User-Agent", USER_AGENT),),
            )

    def _webhooks(
        self, transaction: Transaction, payload: dict[str, Any], now: datetime
    ) -> Iterator[Delivery]:
        settings = self._configuration.current
        if not settings.webhook_url:
            return
        faults = {fault.kind: fault for fault in self._faults.take("webhook", transaction.tx_ref)}
        if FaultKind.NEVER in faults:
            return
        copies = faults[FaultKind.DUPLICATE].copies if FaultKind.DUPLICATE in faults else 1
        webhook = self._webhook(transaction, payload, now, faults)
        yield from [webhook] * copies

    def _webhook(
        self,
        transaction: Transaction,
        payload: dict[str, Any],
        now: datetime,
        faults: dict[FaultKind, Fault],
    ) -> Delivery:
        settings = self._configuration.current
        payload = _bent(payload, faults)
        body = encode_body(payload, settings.webhook_body)
        secret = settings.signing_secret(transaction.mode)
        headers = signature_headers(body, secret, settings.signature_headers)
        if FaultKind.WRONG_SIGNATURE in faults:
            headers = {name: _flipped(value) for name, value in headers.items() if name == PAYLOAD_HEADER}
        if FaultKind.TAMPERED in faults:
            body = encode_body(_tampered(payload), settings.webhook_body)
        return Delivery(
            id="",
            kind="webhook",
            tx_ref=transaction.tx_ref,
            event=payload["event"],
            method="POST",
            url=settings.webhook_url,
            created_at=now,
            due_at=now,
            headers=(("Content-Type", "application/json"), ("User-Agent", USER_AGENT), *headers.items()),
            body=body,
            delays=settings.retry_delays,
            faults=tuple(sorted(faults)),
        )


def _numbered(drafts: list[Delivery], first_number: int) -> list[Delivery]:
    return [replace(draft, id=f"d{number}") for number, draft in enumerate(drafts, first_number)]


def _bent(payload: dict[str, Any], faults: dict[FaultKind, Fault]) -> dict[str, Any]:
    if amount := faults.get(FaultKind.WRONG_AMOUNT):
        payload["amount"] = amount.value or two_decimals(Decimal(payload["amount"]) - CENT)
    if currency := faults.get(FaultKind.WRONG_CURRENCY):
        payload["currency"] = currency.value or ("USD" if payload["currency"] == "ETB" else "ETB")
    return payload


def _tampered(payload: dict[str, Any]) -> dict[str, Any]:
    return payload | {"amount": two_decimals(Decimal(payload["amount"]) + 1)}


def _flipped(signature: str) -> str:
    return ("1" if signature[0] == "0" else "0") + signature[1:]
