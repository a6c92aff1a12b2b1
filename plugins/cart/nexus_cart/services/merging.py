"""Merging a guest's cart into a person's, when the guest signs in.

Quantities are added as far as stock and limits go. What the person's cart holds already is never made less,
and whatever does not get into it is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_cart.config import CartConfig
from nexus_cart.errors import TokenUnknown
from nexus_cart.models import MAX_QUANTITY
from nexus_cart.services import statements
from nexus_cart.services.carts import line_of
from nexus_cart.services.present import Line, largest, present_cart, present_product, present_variant
from nexus_kernel import new_id, services, settings
from nexus_kernel.contracts.catalog import CatalogService, VariantView


@dataclass(frozen=True, slots=True)
class Capped:
    """A line that holds `quantity` pieces after the merge, and not the `requested` sum of both carts."""

    variant_id: UUID
    requested: int
    quantity: int
    reason: str


class Merged:
    """The person's lines by variant, those of them that have to be written, and what was capped."""

    def __init__(self, mine: Sequence[Line], variants: Mapping[UUID, VariantView]) -> None:
        self.lines = {line.variant_id: line for line in mine}
        self.written: list[Line] = []
        self.capped: list[Capped] = []
        self._variants = variants
        self._worths = {line.variant_id: _worth(line, variants) for line in mine}
        self._worth = sum(self._worths.values())

    def add(self, line: Line, max_lines: int) -> None:
        """Take over what there is room for of a guest's line."""
        held, variant = self.lines.get(line.variant_id), self._variants.get(line.variant_id)
        had = held.quantity if held else 0
        requested = had + line.quantity
        room, reason = self._room(line.variant_id, variant, max_lines)
        quantity = max(had, min(requested, room))
        if quantity < requested:
            self.capped.append(Capped(line.variant_id, requested, quantity, reason))
        if quantity > had:
            assert variant is not None
            self._write(replace(held or _at_home(line, variant), quantity=quantity))

    def _room(self, variant_id: UUID, variant: VariantView | None, max_lines: int) -> tuple[int, str]:
        """How many pieces of a variant the cart may hold, and what stands against more."""
        if variant is None or not variant.is_active:
            return 0, "unavailable"
        one = next(iter(self.lines.values()), None)
        if one is not None and one.added_price.currency != variant.price.currency:
            return 0, "currency_mixed"
        if variant_id not in self.lines and len(self.lines) >= max_lines:
            return 0, "cart_full"
        others = self._worth - self._worths.get(variant_id, 0)
        left = max(0, largest(variant.price.currency).minor - others)
        return min(
            (variant.available, "insufficient_stock"),
            (MAX_QUANTITY, "quantity_limit"),
            (left // max(1, variant.price.minor), "total_out_of_range"),
        )

    def _write(self, line: Line) -> None:
        worth = _worth(line, self._variants)
        self._worth += worth - self._worths.get(line.variant_id, 0)
        self._worths[line.variant_id] = worth
        self.lines[line.variant_id] = line
        self.written.append(line)


def merge(session: Session, person_id: UUID, guest_id: UUID) -> dict[str, Any]:
    """Take the lines of a guest's cart over, delete it, and return the person's cart with what was capped.

    Six statements at most, one of them the catalog's. The caller's transaction holds the person's cart
    first and the guest's second, always. Raises TokenUnknown.
    """
    given = {"cart_id": new_id(), "holder_id": person_id}
    cart_id = session.execute(statements.OPEN_OR_TOUCH, given).scalar_one()
    guest_cart_id = session.execute(statements.LOCK_GUESTS, {"holder_id": guest_id}).scalar()
    if guest_cart_id is None:
        raise TokenUnknown()
    rows = session.execute(statements.READ_BOTH, {"cart_id": cart_id, "guest_cart_id": guest_cart_id}).all()
    mine = [line_of(row) for row in rows if row.cart_id == cart_id]
    theirs = [line_of(row) for row in rows if row.cart_id != cart_id]
    wanted = {line.variant_id for line in (*mine, *theirs)}
    variants = services.get(CatalogService).get_variants(wanted) if wanted else {}
    config = settings(CartConfig)
    merged = add_up(mine, theirs, variants, config.max_lines)
    if merged.written:
        session.execute(statements.TAKE_OVER, {"cart_id": cart_id, **_columns(merged.written)})
    session.execute(statements.DISCARD, {"id": guest_cart_id})
    lines = sorted(merged.lines.values(), key=lambda line: line.id)
    cart = present_cart(cart_id, lines, variants, config.currency)
    return {**cart, "capped": [_present(capped, variants) for capped in merged.capped]}


def add_up(
    mine: Sequence[Line], theirs: Sequence[Line], variants: Mapping[UUID, VariantView], max_lines: int
) -> Merged:
    """The lines of both carts, each of one currency, as one. Pure."""
    merged = Merged(mine, variants)
    for line in theirs:
        merged.add(line, max_lines)
    return merged


def _worth(line: Line, variants: Mapping[UUID, VariantView]) -> int:
    """Minor units at the price of today or of the day it was added, whichever is more."""
    variant, price = variants.get(line.variant_id), line.added_price
    if variant is not None and variant.price.currency == price.currency:
        price = max(price, variant.price)
    return price.minor * line.quantity


def _at_home(line: Line, variant: VariantView) -> Line:
    """A guest's line, which keeps its price of the day it was added unless that was another currency."""
    if line.added_price.currency == variant.price.currency:
        return line
    return replace(line, added_price=variant.price)


def _columns(lines: Iterable[Line]) -> dict[str, list[Any]]:
    rows = [(line.id, line.quantity, line.added_price.minor, line.added_price.currency) for line in lines]
    names = ("ids", "quantities", "prices", "currencies")
    return {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}


def _present(capped: Capped, variants: Mapping[UUID, VariantView]) -> dict[str, Any]:
    variant = variants.get(capped.variant_id)
    return {
        "product": present_product(variant),
        "variant": present_variant(capped.variant_id, variant),
        "requested": capped.requested,
        "quantity": capped.quantity,
        "reason": capped.reason,
    }
