"""Writing the ledger."""

from typing import Any

from sqlalchemy.orm import Session

from nexus_payments.models import Payment, TransactionLog


def note(session: Session, payment: Payment, kind: str, **data: Any) -> None:
    """Append an entry. What comes from a gateway must have passed its provider's `redact`."""
    session.add(TransactionLog(payment_id=payment.id, kind=kind, data=_storable(data)))


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_storable(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    if isinstance(value, bool | None) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    return str(value).replace("\x00", "").encode("utf-8", "replace").decode()[:4000]
