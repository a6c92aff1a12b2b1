"""Carts that were left alone: told once, and a guest's deleted in the end.

A cart is looked at when its `look_at` has come. Changes leave that as it is, so a look may find that the cart
was changed since, and puts itself off.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Uuid, bindparam, text
from sqlalchemy.orm import Session

from nexus_cart.config import CartConfig
from nexus_kernel import publish, settings, transaction
from nexus_kernel.contracts.cart import CartAbandoned, CartLine

BATCH = 200
"""Carts in one transaction."""

_DUE = text(
    """
    SELECT id, holder_id, is_guest, version, abandoned_version, updated_at, now() AS now
    FROM cart_cart WHERE look_at <= now() ORDER BY look_at LIMIT :most FOR UPDATE SKIP LOCKED
    """
).columns(id=Uuid, holder_id=Uuid)

_LINES = text(
    "SELECT cart_id, variant_id, quantity FROM cart_item WHERE cart_id = ANY(:ids) ORDER BY id"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_DELETE = text("DELETE FROM cart_cart WHERE id = ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(Uuid)))

_NOTE = text(
    """
    UPDATE cart_cart SET abandoned_version = given.version, look_at = given.look_at
    FROM unnest(:ids, :versions, :looks) AS given (id, version, look_at)
    WHERE cart_cart.id = given.id
    """
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("versions", type_=ARRAY(BigInteger)),
    bindparam("looks", type_=ARRAY(DateTime(timezone=True))),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What becomes of a cart: `told` now as abandoned, `over`, and when to look again (None: never)."""

    told: bool
    over: bool
    again: datetime | None


def look(cart: Any, has_lines: bool, abandoned_after: timedelta, guests_for: timedelta) -> Look:
    """Decide about a cart whose time to be looked at has come. Pure."""
    over_at = cart.updated_at + guests_for if cart.is_guest else None
    if over_at is not None and over_at <= cart.now:
        return Look(told=False, over=True, again=None)
    left_at = cart.updated_at + abandoned_after
    if not has_lines or cart.abandoned_version == cart.version:
        return Look(told=False, over=False, again=over_at)
    if left_at <= cart.now:
        return Look(told=True, over=False, again=over_at)
    return Look(told=False, over=False, again=min(left_at, over_at) if over_at else left_at)


def sweep(most: int = 100) -> tuple[int, int]:
    """Go through the carts that are due, at most so many batches; how many were told, and how many deleted.

    A cart that its holder, a checkout or another worker has locked is passed over until the next run.
    """
    told = deleted = 0
    for _ in range(most):
        with transaction() as session:
            looks = _sweep_batch(session)
        told += sum(look.told for look in looks)
        deleted += sum(look.over for look in looks)
        if len(looks) < BATCH:
            break
    return told, deleted


def _sweep_batch(session: Session) -> Sequence[Look]:
    carts = session.execute(_DUE, {"most": BATCH}).all()
    if not carts:
        return ()
    lines = _lines_of(session, [cart.id for cart in carts])
    config = settings(CartConfig)
    waits = timedelta(hours=config.abandoned_after_hours), timedelta(days=config.guest_days)
    looks = [look(cart, cart.id in lines, *waits) for cart in carts]
    over = [cart.id for cart, look in zip(carts, looks, strict=True) if look.over]
    if over:
        session.execute(_DELETE, {"ids": over})
    kept = [(cart, look) for cart, look in zip(carts, looks, strict=True) if not look.over]
    for cart, found in kept:
        if found.told:
            publish(_event(cart, lines[cart.id]))
    if kept:
        session.execute(_NOTE, _notes(kept))
    return looks


def _lines_of(session: Session, ids: list[UUID]) -> Mapping[UUID, list[CartLine]]:
    """By cart. They are read under the locks of the carts, so they are what the carts hold."""
    lines: defaultdict[UUID, list[CartLine]] = defaultdict(list)
    for cart_id, variant_id, quantity in session.execute(_LINES, {"ids": ids}):
        lines[cart_id].append(CartLine(variant_id=variant_id, quantity=quantity))
    return lines


def _notes(kept: Sequence[tuple[Any, Look]]) -> dict[str, list[Any]]:
    return {
        "ids": [cart.id for cart, _ in kept],
        "versions": [cart.version if found.told else cart.abandoned_version for cart, found in kept],
        "looks": [found.again for _, found in kept],
    }


def _event(cart: Any, lines: Sequence[CartLine]) -> CartAbandoned:
    person_id = None if cart.is_guest else cart.holder_id
    return CartAbandoned(cart_id=cart.id, user_id=person_id, lines=tuple(lines))
