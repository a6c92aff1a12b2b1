"""JSON members of the control API's answers."""

import base64
from dataclasses import asdict
from typing import Any

from nexus_chapa_sim.core.clock import timestamp
from nexus_chapa_sim.core.model import Refund, Transaction
from nexus_chapa_sim.core.money import two_decimals
from nexus_chapa_sim.delivery.model import Delivery
from nexus_chapa_sim.faults import Fault
from nexus_chapa_sim.v1.members import event_log


def transaction_member(transaction: Transaction) -> dict[str, Any]:
    """Everything that the simulator knows about a transaction."""
    request = asdict(transaction.request)
    return request | {
        "amount": two_decimals(transaction.request.amount),
        "charge": two_decimals(transaction.charge),
        "state": transaction.state,
        "mode": transaction.mode,
        "reference": transaction.reference,
        "method": transaction.method,
        "phone": transaction.phone,
        "attempts": transaction.attempts,
        "attempts_left": transaction.attempts_left,
        "checkout_path": f"/checkout/payment/{transaction.token}",
        "deadline": timestamp(transaction.deadline),
        "created_at": timestamp(transaction.created_at),
        "updated_at": timestamp(transaction.updated_at),
        "log": event_log(transaction),
    }


def delivery_member(delivery: Delivery) -> dict[str, Any]:
    """A message with its exact bytes (base64) and every attempt."""
    return {
        "id": delivery.id,
        "kind": delivery.kind,
        "tx_ref": delivery.tx_ref,
        "event": delivery.event,
        "state": delivery.state,
        "method": delivery.method,
        "url": delivery.url,
        "headers": dict(delivery.headers),
        "body": delivery.body.decode("utf-8", "replace"),
        "body_base64": base64.b64encode(delivery.body).decode(),
        "faults": list(delivery.faults),
        "created_at": timestamp(delivery.created_at),
        "due_at": timestamp(delivery.due_at) if delivery.due_at else None,
        "attempts": [asdict(attempt) | {"at": timestamp(attempt.at)} for attempt in delivery.attempts],
    }


def refund_member(refund: Refund) -> dict[str, Any]:
    """Everything that the simulator knows about a refund."""
    return asdict(refund) | {
        "amount": two_decimals(refund.amount),
        "created_at": timestamp(refund.created_at),
        "updated_at": timestamp(refund.updated_at),
        "due_at": timestamp(refund.due_at) if refund.due_at else None,
        "ends_at": timestamp(refund.ends_at),
    }


def fault_member(fault: Fault) -> dict[str, Any]:
    """A fault rule."""
    return asdict(fault)
