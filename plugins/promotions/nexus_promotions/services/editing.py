"""Writing coupons: each function runs inside the caller's transaction and flushes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexus_kernel import FieldError, Money, invalid_field, new_id, now
from nexus_kernel.money import MoneyError
from nexus_promotions.errors import CodeTaken, CouponNotFound
from nexus_promotions.models import Coupon, Kind, Redemption, State
from nexus_promotions.services.reading import get_coupon

_PART_OF = {"percentage": Kind.PERCENTAGE, "amount": Kind.FIXED}
_AMOUNTS = ("amount", "minimum_spend")
_PLAIN = (
    "code", "title", "kind", "percentage", "currency", "starts_at", "ends_at", "usage_limit",
    "usage_limit_per_person", "is_active", "is_combinable",
)  # fmt: skip


def create_coupon(session: Session, values: Mapping[str, Any]) -> UUID:
    """A new coupon's id. Raises Invalid for values that do not go together, and CodeTaken."""
    coupon_id = new_id()
    with _code_explained():
        session.execute(insert(Coupon).values(id=coupon_id, **_columns(values)))
    return coupon_id


def lock_coupon(session: Session, coupon_id: UUID) -> None:
    """Nobody takes, returns or changes it until the transaction ends. Raises CouponNotFound.

    Checkouts hold the row of each coupon that they take, shared where it has no limit. So they are over, or
    find it changed.
    """
    locked = select(Coupon.id).where(Coupon.id == coupon_id).with_for_update()
    if session.execute(locked).first() is None:
        raise CouponNotFound("There is no such coupon.")


def update_coupon(session: Session, coupon_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a coupon; what is left out stays. Orders that were placed keep what it took off.

    A limit may be below the uses: then it is used up. Raises CouponNotFound, Invalid and CodeTaken.
    """
    lock_coupon(session, coupon_id)
    current = get_coupon(session, coupon_id)
    if not changes:
        return
    columns = _columns({**_loaded(current), **changes})
    uses = _uses(session, coupon_id, current, columns)
    with _code_explained():
        session.execute(
            update(Coupon).where(Coupon.id == coupon_id).values(**columns, uses=uses, updated_at=now())
        )


def delete_coupon(session: Session, coupon_id: UUID) -> None:
    """Delete a coupon that was never used; another one becomes inactive. Raises CouponNotFound."""
    lock_coupon(session, coupon_id)
    used = select(Redemption.id).where(Redemption.coupon_id == coupon_id).limit(1)
    mine = Coupon.id == coupon_id
    if session.execute(used).first() is None:
        session.execute(delete(Coupon).where(mine))
    else:
        session.execute(update(Coupon).where(mine).values(is_active=False, updated_at=now()))


def _uses(session: Session, coupon_id: UUID, current: Mapping[str, Any], columns: Mapping[str, Any]) -> int:
    """What `uses` has to be: without a limit nobody has counted."""
    if columns["usage_limit"] is None:
        return 0
    if current["usage_limit"] is not None:
        return int(current["uses"])
    taken = Redemption.coupon_id == coupon_id, Redemption.state == State.TAKEN
    return session.execute(select(func.count()).select_from(Redemption).where(*taken)).scalar_one()


def _loaded(current: Mapping[str, Any]) -> dict[str, Any]:
    """A coupon's body as the schema would load it."""
    exact = {
        name: None if current[name] is None else Decimal(current[name]) for name in ("percentage", *_AMOUNTS)
    }
    return {**current, **exact}


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    _check(values)
    return {
        **{name: values[name] for name in _PLAIN},
        **{f"{name}_minor": _minor(values, name) for name in _AMOUNTS},
        **{name: list(dict.fromkeys(values[name])) for name in ("product_ids", "variant_ids")},
    }


def _check(values: Mapping[str, Any]) -> None:
    for name, kind in _PART_OF.items():
        if values["kind"] == kind and values[name] is None:
            raise invalid_field(name, f"A coupon of the kind {kind} needs it.", "required")
        if values["kind"] != kind and values[name] is not None:
            raise invalid_field(name, f"Only a coupon of the kind {kind} has it; it must be null.")
    needs_currency = any(values[name] is not None for name in _AMOUNTS)
    if needs_currency and values["currency"] is None:
        raise invalid_field("currency", "An amount needs its currency.", "required")
    if not needs_currency and values["currency"] is not None:
        raise invalid_field("currency", "Must be null without amount and minimum_spend.")
    begin, end = values["starts_at"], values["ends_at"]
    if begin is not None and end is not None and begin >= end:
        raise invalid_field("ends_at", "Must be after starts_at.")


def _minor(values: Mapping[str, Any], name: str) -> int | None:
    if values[name] is None:
        return None
    try:
        minor = Money.parse(values[name], values["currency"]).minor
    except MoneyError as error:
        raise invalid_field(name, f"{error}.") from None
    if name == "amount" and minor == 0:
        raise invalid_field(name, "Must be more than nothing.")
    return minor


@contextmanager
def _code_explained() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) != "uq_promotions_coupon_code":
            raise
        message = "Another coupon has this code."
        raise CodeTaken(message, errors=[FieldError("code", "taken", message)]) from None
