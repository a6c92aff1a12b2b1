"""The ``data`` members of transaction answers."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from nexus_chapa_sim.core.clock import timestamp
from nexus_chapa_sim.core.model import State, Transaction
from nexus_chapa_sim.core.money import json_number, two_decimals
from nexus_chapa_sim.settings import AmountFormat


def amount_member(amount: Decimal, style: AmountFormat) -> str | int | float:
    """An amount as a number (``100``, ``3.5``) or as text (``"100.00"``)."""
    return json_number(amount) if style == "number" else two_decimals(amount)


def payment_status(transaction: Transaction) -> str | None:
    """What verify calls the payment, or None while nobody has tried to pay.

    An expired link shows how its last attempt ended.
    """
    if transaction.state in {State.CREATED, State.ACTIVE}:
        return None
    if transaction.state is State.EXPIRED:
        return str(State.FAILED) if transaction.attempts else None
    return str(transaction.state)


def payment_details(transaction: Transaction, status: str, style: AmountFormat) -> dict[str, Any]:
    """The body of a verify answer."""
    request = transaction.request
    return {
        "first_name": request.first_name,
        "last_name": request.last_name,
        "email": request.email,
        "currency": request.currency,
        "amount": amount_member(request.amount, style),
        "charge": amount_member(transaction.charge, style),
        "mode": transaction.mode,
        "method": "test" if transaction.mode == "test" else transaction.method,
        "type": "API",
        "status": status,
        "reference": transaction.reference,
        "tx_ref": transaction.tx_ref,
        "customization": asdict(request.customization),
        "meta": request.meta,
        "created_at": timestamp(transaction.created_at),
        "updated_at": timestamp(transaction.updated_at),
    }


def cancelled_link(transaction: Transaction, style: AmountFormat) -> dict[str, Any]:
    """The body of a cancel answer."""
    return {
        "tx_ref": transaction.tx_ref,
        "amount": amount_member(transaction.request.amount, style),
        "currency": transaction.request.currency,
        "created_at": timestamp(transaction.created_at),
        "updated_at": timestamp(transaction.updated_at),
    }


def event_log(transaction: Transaction) -> list[dict[str, Any]]:
    """The body of an events answer, oldest first."""
    return [
        {
            "item": entry.item,
            "message": entry.message,
            "type": entry.type,
            "created_at": timestamp(entry.created_at),
            "updated_at": timestamp(entry.created_at),
        }
        for entry in transaction.log
    ]
