"""Writing methods: each function runs inside the caller's transaction and flushes.

Changes of one method lock its row, so they go one after the other, and its bands are always those of one of
them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexus_kernel import FieldError, Money, current_cache, invalid_field, new_id, now
from nexus_kernel.money import MoneyError
from nexus_shipping.errors import CodeTaken, MethodNotFound
from nexus_shipping.models import ShippingBand, ShippingMethod
from nexus_shipping.services.reading import METHODS

_TAKEN = "Another method has this code."


def create_method(session: Session, values: Mapping[str, Any]) -> UUID:
    """A new method's id. Raises CodeTaken, and Invalid for days or prices that cannot be."""
    plain = {name: value for name, value in values.items() if name != "bands"}
    _check_days(plain)
    method_id = new_id()
    with _explained():
        session.execute(insert(ShippingMethod).values(id=method_id, **plain))
    _insert_bands(session, method_id, values["currency"], values["bands"])
    current_cache().invalidate(METHODS)
    return method_id


def update_method(session: Session, method_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a method; what is left out stays, and `bands` are all of its bands.

    Raises MethodNotFound, CodeTaken, and Invalid for days or prices that cannot be.
    """
    current = lock_method(session, method_id)
    if not changes:
        return
    plain = {name: value for name, value in changes.items() if name != "bands"}
    _check_days({"min_days": current.min_days, "max_days": current.max_days} | plain)
    currency = plain.get("currency", current.currency)
    if currency != current.currency and "bands" not in changes:
        raise invalid_field("bands", "Send the prices together with their currency.", "required")
    if "bands" in changes:
        session.execute(delete(ShippingBand).where(ShippingBand.method_id == method_id))
    with _explained():
        changed = update(ShippingMethod).where(ShippingMethod.id == method_id)
        session.execute(changed.values(**plain, updated_at=now()))
    if "bands" in changes:
        _insert_bands(session, method_id, currency, changes["bands"])
    current_cache().invalidate(METHODS)


def delete_method(session: Session, method_id: UUID) -> None:
    """Delete a method with its bands; orders keep what they know of it. Raises MethodNotFound."""
    lock_method(session, method_id)
    session.execute(delete(ShippingMethod).where(ShippingMethod.id == method_id))
    current_cache().invalidate(METHODS)


def lock_method(session: Session, method_id: UUID) -> Row[Any]:
    """What writing needs of a method, locked until the transaction ends. Raises MethodNotFound."""
    statement = select(ShippingMethod.currency, ShippingMethod.min_days, ShippingMethod.max_days)
    row = session.execute(statement.where(ShippingMethod.id == method_id).with_for_update()).one_or_none()
    if row is None:
        raise MethodNotFound("There is no such method.")
    return row


def _insert_bands(
    session: Session, method_id: UUID, currency: str, bands: Sequence[Mapping[str, Any]]
) -> None:
    rows = [
        {
            "id": new_id(),
            "method_id": method_id,
            "country": band["country"],
            "region": band["region"],
            "min_weight_grams": band["min_weight_grams"],
            "max_weight_grams": band["max_weight_grams"],
            "price_minor": _minor(band["price"], currency, f"bands[{number}].price"),
            "free_from_minor": _minor(band["free_from"], currency, f"bands[{number}].free_from"),
            "currency": currency,
        }
        for number, band in enumerate(bands)
    ]
    if rows:
        session.execute(insert(ShippingBand), rows)


def _minor(amount: Any, currency: str, path: str) -> int | None:
    if amount is None:
        return None
    try:
        return Money.parse(amount, currency).minor
    except MoneyError as error:
        raise invalid_field(path, f"{error}.") from None


def _check_days(values: Mapping[str, Any]) -> None:
    least, most = values.get("min_days"), values.get("max_days")
    if (least is None) != (most is None):
        raise invalid_field("max_days" if most is None else "min_days", "Send both days, or neither.")
    if least is not None and most is not None and least > most:
        raise invalid_field("max_days", "Must not be below min_days.")


@contextmanager
def _explained() -> Iterator[None]:
    """Give the constraint that staff can run into a meaning."""
    try:
        yield
    except IntegrityError as error:
        constraint = error.orig.diag.constraint_name if error.orig is not None else None  # type: ignore[attr-defined]
        if constraint == "uq_shipping_method_code":
            raise CodeTaken(_TAKEN, errors=[FieldError("code", "taken", _TAKEN)]) from None
        raise
