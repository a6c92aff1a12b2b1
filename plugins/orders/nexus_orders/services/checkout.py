"""Placing an order: one transaction, and the same number of statements whatever the number of lines.

The order of its steps keeps what others wait for locked for the shortest time:

1. The way to pay and the address are looked up, and the cart is locked: nobody but the buyer waits for it.
2. The variants are read, once: every amount of the order comes from this reading.
3. The bare quote, with what was requested of extensions; each of them prepares its facts.
4. The price rules by phase; the expected total; the guards.
5. The order, its lines, adjustments and history are inserted, with what extensions froze.
6. The cart is emptied: it is the buyer's alone, so it comes before the rows that others want.
7. Extensions record what is theirs, in the order of the plugins; such a row may be wanted by many.
8. The stock is reserved: the rows that everybody wants.
9. The outbox, and the commit.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from nexus_kernel import Money, current_nexus, invalid_field, new_id, publish, services
from nexus_kernel.contracts.cart import CartService, CartSnapshot
from nexus_kernel.contracts.catalog import CatalogService, StockService
from nexus_kernel.contracts.orders import OrderLineView, OrderPlaced, Quote
from nexus_kernel.contracts.payments import MethodView
from nexus_kernel.money import MoneyError
from nexus_orders import errors
from nexus_orders.numbers import new_number
from nexus_orders.services import availability, extensions, pricing, rows
from nexus_orders.services.availability import Variants
from nexus_orders.services.destinations import destination
from nexus_orders.services.lifecycle import reference_of
from nexus_orders.services.methods import check_currency, find_method
from nexus_orders.services.present import present_order
from nexus_orders.services.quoting import work_out

_NUMBERS_TO_TRY = 3


class Checkout:
    """Turns a person's cart into an order, inside the caller's transaction."""

    def __init__(self, session: Session, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id

    def place(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the order that was placed; `given` is what `PlaceOrderSchema` loads.

        A buyer who names the expected total has seen what is not for sale any more: those lines are left
        out. Raises Invalid for a way to pay or an address that there is not, and the errors of
        `nexus_orders.errors`.
        """
        method = find_method(given["payment_method"])
        address = destination(self._user_id, given)
        cart = self._lock_cart()
        variants = services.get(CatalogService).get_variants([line.variant_id for line in cart.lines])
        lines, retired = availability.split_retired(cart.lines, variants)
        if "expected_total" not in given or not lines:
            lines, retired = cart.lines, ()
        if missing := availability.shortages(lines, variants):
            raise availability.out_of_stock(missing, variants)
        bare = pricing.quote(self._user_id, lines, variants, address, method.code)
        priced, applied = self._price(bare, method, given)
        reason = "Placed" + availability.left_out(retired, variants)
        return self._commit_to(cart, priced, applied, method, variants, reason)

    def _lock_cart(self) -> CartSnapshot:
        cart = services.get(CartService).lock(self._user_id)
        if cart is None or not cart.lines:
            raise errors.CartEmpty("Put something into the cart first.")
        return cart

    def _price(
        self, bare: Quote, method: MethodView, given: Mapping[str, Any]
    ) -> tuple[Quote, list[pricing.Applied]]:
        check_currency(method, bare.currency)
        priced, applied = work_out(bare, given["extensions"])
        _check_total(priced, given.get("expected_total"))
        if problems := pricing.problems_of(priced, current_nexus().checkout_guards.values()):
            raise errors.refusal(errors.CheckoutRefused, problems)
        return priced, applied

    def _commit_to(
        self,
        cart: CartSnapshot,
        priced: Quote,
        applied: list[pricing.Applied],
        method: MethodView,
        variants: Variants,
        reason: str,
    ) -> dict[str, Any]:
        extended = current_nexus().order_extensions.values()
        items, adjustments = rows.item_rows(priced), rows.adjustment_rows(applied)
        row = rows.order_row(cart, priced, method, extensions.freeze(priced, extended))
        self._insert(row, items=items, adjustments=adjustments, reason=reason)
        services.get(CartService).empty(cart.id, cart.generation)
        extensions.record(self._session, priced, row["id"], extended)
        missing = services.get(StockService).reserve(
            {line.variant_id: line.quantity for line in priced.lines}, reference_of(row["id"])
        )
        if missing:
            raise availability.out_of_stock(missing, variants)
        publish(_placed(row, priced))
        return present_order(row, items, adjustments)

    def _insert(self, row: dict[str, Any], **others: Any) -> None:
        """Insert the order under a number that is free, which is put into its row."""
        for _ in range(_NUMBERS_TO_TRY):
            row["number"] = new_number()
            given = {**row, **others, "history_id": new_id()}
            if self._session.execute(rows.INSERT_ORDER, given).first() is not None:
                return
        raise errors.AlreadyPlaced("This cart was ordered a moment ago; look at your orders.")


def _check_total(priced: Quote, expected: Decimal | None) -> None:
    if expected is None:
        return
    try:
        wanted = Money.parse(expected, priced.currency)
    except MoneyError as error:
        raise invalid_field("expected_total", f"{error}.") from None
    if wanted != priced.total:
        raise errors.TotalChanged(
            f"The total is now {priced.total} {priced.currency}.",
            total=str(priced.total),
            currency=priced.currency,
        )


def _placed(row: Mapping[str, Any], priced: Quote) -> OrderPlaced:
    lines = tuple(
        OrderLineView(
            title=line.title,
            sku=line.sku,
            quantity=line.quantity,
            unit_price=line.unit_price,
            total=line.total,
            variant_id=line.variant_id,
            product_id=line.product_id,
        )
        for line in priced.lines
    )
    return OrderPlaced(
        order_id=row["id"],
        number=row["number"],
        user_id=row["user_id"],
        total=priced.total,
        payment_method=row["payment_method"],
        lines=lines,
    )
