"""A shop of one order at a time, on the real stock: what can happen to the order, and what must hold then.

Payments are played by `Gateway`, which knows what came in and what went back, and gives no more than it has.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier, Lock
from typing import Any
from uuid import UUID

from flask import Flask
from nexus_catalog.services import StockKeeper
from nexus_orders.handlers import on_payment_refunded, on_payment_succeeded, on_refund_rejected
from nexus_orders.models import Shipment
from nexus_orders.numbers import new_number
from nexus_orders.services.cancellations import Cancellations
from nexus_orders.services.lifecycle import expire_due, lock_order, reference_of
from nexus_orders.services.reading import Orders
from nexus_orders.services.refunds import Refunds
from nexus_orders.services.shipments import Shipments
from nexus_orders.services.steps import set_status
from nexus_orders.states import PAID, TRANSITIONS, UNPAID, OrderStatus
from sqlalchemy import ARRAY, Uuid, bindparam, select, text
from sqlalchemy.orm import Session

from nexus_kernel import Actor, Conflict, Money, NexusError, new_id, now, publish, services, transaction
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.contracts.payments import PaymentRefunded, PaymentSucceeded, RefundRejected
from nexus_kernel.outbox import deliver_due
from nexus_kernel.testing import StandInPayments

BUYER, STAFF = new_id(), new_id()
ORDERED, IN_STOCK, PRICES = (3, 2), (4, 2), (1000, 500)
TOTAL = sum(pieces * price for pieces, price in zip(ORDERED, PRICES, strict=True))
SHELF = 400
"""Variants that are put into the shop at once; each serves one order."""

_FILL = text(
    "INSERT INTO catalog_variant (id, product_id, sku, price_minor, currency, is_default, is_active)"
    " SELECT id, :product, id::text, 1000, 'ETB', false, false FROM unnest(:ids) AS id"
).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
_PLACE = text(
    """
    WITH placed AS (
        INSERT INTO orders_order (id, number, user_id, status, payment_status, payment_method, currency,
            subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, address_line, city,
            postal_code, country, cart_id, cart_generation, expires_at, placed_at, updated_at)
        VALUES (:id, :number, :buyer, 'pending', 'pending', 'card', 'ETB', :total, 0, 0, 0, :total, 'Bole 7',
            'Addis Ababa', '', 'ET', :id, 1, now() - interval '1 hour', now(), now()) RETURNING id
    ), items AS (
        INSERT INTO orders_item (id, order_id, position, variant_id, product_id, sku, title, quantity,
            unit_price_minor, total_minor, currency)
        SELECT gen_random_uuid(), placed.id, position - 1, variant_id, variant_id, 'SKU', 'Lamp', quantity,
            price, price * quantity, 'ETB'
        FROM placed, unnest(:variants, CAST(:ordered AS integer[]), CAST(:prices AS integer[]))
            WITH ORDINALITY AS line (variant_id, quantity, price, position)
        RETURNING id, position
    ), history AS (
        INSERT INTO orders_history (id, order_id, new_status, payment_status, reason, at)
        SELECT :history, id, 'pending', 'pending', 'Placed', now() FROM placed
    )
    SELECT id FROM items ORDER BY position
    """
).bindparams(bindparam("variants", type_=ARRAY(Uuid)))
_LOOK = text(
    """
    SELECT o.status, o.payment_status,
        (SELECT jsonb_agg(jsonb_build_object(
            'ordered', i.quantity, 'on_hand', s.on_hand, 'reserved', s.reserved,
            'shipped', (SELECT coalesce(sum(quantity), 0) FROM orders_shipment_line WHERE item_id = i.id),
            'held', (SELECT coalesce(sum(quantity), 0) FROM catalog_stock_reservation
                     WHERE reference = 'order:' || o.id AND variant_id = i.variant_id),
            'sums', (SELECT jsonb_build_array(sum(delta_on_hand), sum(delta_reserved),
                        coalesce(sum(delta_reserved) FILTER (WHERE reference = 'order:' || o.id), 0),
                        coalesce(sum(delta_on_hand) FILTER (WHERE reference = 'order:' || o.id), 0))
                     FROM catalog_stock_movement WHERE variant_id = i.variant_id)) ORDER BY i.position)
         FROM orders_item i JOIN catalog_stock s USING (variant_id) WHERE i.order_id = o.id) AS items,
        (SELECT jsonb_agg(jsonb_build_array(old_status, new_status, reason) ORDER BY id)
         FROM orders_history WHERE order_id = o.id) AS history,
        (SELECT coalesce(jsonb_agg(delivered_at IS NOT NULL), '[]')
         FROM orders_shipment WHERE order_id = o.id) AS shipments,
        (SELECT coalesce(jsonb_agg(status), '[]')
         FROM orders_cancellation_request WHERE order_id = o.id) AS wishes,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(status, amount_minor)), '[]')
         FROM orders_refund WHERE order_id = o.id) AS refunds,
        (SELECT count(*) FROM nexus_delivery WHERE done_at IS NULL AND dead_at IS NULL
         AND subscription LIKE 'orders.%') AS undelivered
    FROM orders_order o WHERE o.id = :id
    """
).bindparams(bindparam("id", type_=Uuid))


class Gateway(StandInPayments):
    """Payments that keep the books of the order under test."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Begin with another order."""
        self.captured = 0
        self.amounts: dict[UUID, int] = {}
        self.outcomes: dict[UUID, bool] = {}
        self.is_odd = False
        """Whether the orders cannot know what is left: an odd amount came, or money went by itself."""
        self.refused_in_order = 0

    @property
    def refunded(self) -> int:
        """Minor units that went back."""
        return sum(self.amounts[id] for id, went_back in self.outcomes.items() if went_back)

    @property
    def free(self) -> int:
        """Minor units that nobody asked back."""
        return self.captured - sum(a for id, a in self.amounts.items() if self.outcomes.get(id, True))

    def capture(self, minor: int) -> None:
        """Money came."""
        with self._lock:
            self.captured += minor
            self.is_odd |= minor != TOTAL

    def refund(self, payable_kind, payable_id, amount, *, reference, reason, actor_id):
        """As the contract says."""
        with self._lock:
            if amount.minor > self.free:
                self.refused_in_order += not self.is_odd
                raise Conflict("Less was captured.")
            id = super().refund(
                payable_kind, payable_id, amount, reference=reference, reason=reason, actor_id=actor_id
            )
            self.amounts[id] = amount.minor
            return id

    def give_by_itself(self) -> UUID | None:
        """Half of what is free goes back, and no order asked for it."""
        with self._lock:
            if self.free < 2:
                return None
            self.is_odd, id = True, new_id()
            self.amounts[id] = self.free // 2
            return id

    def end(self, refund_id: UUID, goes_back: bool) -> tuple[bool, dict[str, Money]]:
        """What became of a refund, decided once, and the sums that its event tells."""
        with self._lock:
            went_back = self.outcomes.setdefault(refund_id, goes_back)
            sums = {"amount": self.amounts[refund_id], "refunded": self.refunded, "captured": self.captured}
        return went_back, {name: Money(minor, "ETB") for name, minor in sums.items()}


class Surprises(logging.Handler):
    """What the orders log about stock that should have been held."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if "no stock was held" in record.getMessage():
            self.messages.append(record.getMessage())


class World:
    """An order, and everything that can happen to it; each step runs in a transaction of its own."""

    def __init__(self, app: Flask, gateway: Gateway) -> None:
        self.app, self.gateway = app, gateway
        self._pool = ThreadPoolExecutor(2)
        self._shelf: list[UUID] = []
        self.payments: list[UUID] = []
        self._surprises = Surprises()
        self._log = logging.getLogger("nexus.orders")
        self._log.addHandler(self._surprises)
        self._log.propagate = False
        with app.app_context(), transaction() as session:
            self._product = new_id()
            session.execute(
                text("INSERT INTO catalog_product (id, title, slug) VALUES (:id, 'Lamp', 'lamp')"),
                {"id": self._product},
            )

    def close(self) -> None:
        """End the threads."""
        self._log.removeHandler(self._surprises)
        self._log.propagate = True
        self._pool.shutdown()

    def begin(self) -> None:
        """Place a new order, of variants of its own."""
        self.gateway.reset()
        self.payments.clear()
        if not self._shelf:
            self._fill_shelf()
        self.id, self.variants = new_id(), [self._shelf.pop(), self._shelf.pop()]
        given = {"id": self.id, "buyer": BUYER, "total": TOTAL, "history": new_id(), "number": new_number()}
        lines = {"variants": self.variants, "ordered": list(ORDERED), "prices": list(PRICES)}
        with transaction() as session:
            self.items = list(session.scalars(_PLACE, given | lines))
            quantities = dict(zip(self.variants, ORDERED, strict=True))
            assert services.get(StockService).reserve(quantities, reference_of(self.id)) == ()

    def end(self) -> None:
        """Leave the order alone from now on."""
        with transaction() as session:
            session.execute(text("UPDATE orders_order SET expires_at = NULL WHERE id = :id"), {"id": self.id})

    def run(self, step: tuple[Any, ...]) -> None:
        """Take a step. What the shop refuses is an answer; every other error is a failure."""
        name, *args = step
        try:
            getattr(self, name)(*args)
        except NexusError as error:
            assert error.status in (404, 409, 422), error

    def at_once(self, *steps: tuple[Any, ...]) -> None:
        """Take these steps at the same time."""
        barrier = Barrier(len(steps))

        def run(step: tuple[Any, ...]) -> None:
            with self.app.app_context():
                barrier.wait()
                self.run(step)

        list(self._pool.map(run, steps))

    # -- the steps

    def ask_to_cancel(self) -> None:
        self._with_order(lambda session, order: Cancellations(session, BUYER).ask(order, "Changed my mind"))

    def withdraw(self) -> None:
        self._with_order(lambda session, order: Cancellations(session, BUYER).withdraw(order))

    def decide(self, approves: bool) -> None:
        with transaction() as session:
            wish = self._last(session, "orders_cancellation_request")
            staff = Cancellations(session, STAFF)
            staff.approve(wish, "") if approves else staff.decline(wish, "On its way")

    def move(self, to: str) -> None:
        def step(session: Session, order: Any) -> None:
            set_status(session, order, OrderStatus(to), actor_id=STAFF, reason="Changed by staff")

        self._with_order(step)

    def ship(self, pieces: Mapping[int, int] | None) -> None:
        with transaction() as session:
            lines = pieces and [{"item_id": self.items[i], "quantity": n} for i, n in pieces.items()]
            args = {"carrier": "Post", "tracking_code": "LX1", "lines": lines}
            shipment_id = Shipments(session, STAFF).create(self.id, args)
            Orders(session, Actor(BUYER)).shipment(self.id, shipment_id)

    def deliver(self, number: int) -> None:
        with transaction() as session:
            named = select(Shipment.id).where(Shipment.order_id == self.id, Shipment.number == number)
            Shipments(session, STAFF).deliver(self.id, session.scalar(named) or new_id())

    def expire(self) -> None:
        expire_due()

    def pay(self, minor: int, by_outbox: bool) -> None:
        self.gateway.capture(minor)
        self.payments.append(new_id())
        self._tell(on_payment_succeeded, self._payment(self.payments[-1], minor), by_outbox)

    def pay_again(self) -> None:
        """The first payment is told once more."""
        if self.payments:
            self._tell(on_payment_succeeded, self._payment(self.payments[0], TOTAL), False)

    def give(self, minor: int | None) -> None:
        args = (
            {"reason": "Sorry"}
            if minor is None
            else {"reason": "Sorry", "amount": Money(minor, "ETB").decimal}
        )
        with transaction() as session:
            Refunds(session, STAFF).give(self.id, args)

    def wish_refund(self, pieces: Mapping[int, int]) -> None:
        lines = [{"item_id": self.items[i], "quantity": n} for i, n in pieces.items()]
        with transaction() as session:
            Refunds(session, BUYER).ask(self.id, {"reason": "Broken", "lines": lines}, BUYER)

    def decide_refund(self, approves: bool) -> None:
        with transaction() as session:
            wish, staff = self._last(session, "orders_refund_request"), Refunds(session, STAFF)
            staff.approve(wish, {"note": ""}) if approves else staff.decline(wish, "No")

    def end_refund(self, index: int, goes_back: bool, by_outbox: bool) -> None:
        """A refund that was asked ends, or is told once more."""
        known = list(self.gateway.amounts)
        if known:
            self._end_refund(known[index % len(known)], goes_back, by_outbox)

    def give_by_itself(self) -> None:
        refund_id = self.gateway.give_by_itself()
        if refund_id is not None:
            self._end_refund(refund_id, True, False)

    def rival(self, takes: bool) -> None:
        """Somebody else holds what is left of the pieces, or gives it back."""
        with transaction():
            stock = services.get(StockService)
            if not takes:
                stock.release(f"rival:{self.id}")
                return
            left = {id: pieces for id, pieces in stock.available(self.variants).items() if pieces > 0}
            if stock.reserve(left, f"rival:{self.id}"):
                raise Conflict("Somebody was faster.")

    # -- what must hold

    def check(self) -> None:
        """Everything that holds at any time. One statement."""
        with self.app.extensions["nexus"].db.base_engine.connect() as connection:
            found = connection.execute(_LOOK, {"id": self.id}).one()
        self._check_pieces(found)
        self._check_shipments(found)
        _check_history(found)
        self._check_money(found)
        _check_wishes(found)
        assert found.undelivered == 0 and not self._surprises.messages

    def _check_pieces(self, found: Any) -> None:
        for item, in_stock in zip(found.items, IN_STOCK, strict=True):
            on_hand, reserved, shipped = item["on_hand"], item["reserved"], item["shipped"]
            assert 0 <= reserved <= on_hand, "stock is never negative, and holds no more than there is"
            assert item["sums"][:2] == [on_hand, reserved], "the ledger sums to the stock"
            assert on_hand == in_stock - shipped and item["sums"][3] == -shipped, "what left was shipped once"
            held = 0 if found.status == "cancelled" else item["ordered"] - shipped
            assert item["held"] == item["sums"][2] == held, "held until it leaves, and released once"

    def _check_shipments(self, found: Any) -> None:
        left = sum(item["ordered"] - item["shipped"] for item in found.items)
        assert all(item["shipped"] <= item["ordered"] for item in found.items)
        assert (found.status in ("shipped", "delivered")) == (left == 0)
        assert (found.status == "delivered") == (left == 0 and all(found.shipments))
        assert not found.shipments or found.status in ("processing", "shipped", "delivered")

    def _check_money(self, found: Any) -> None:
        gateway, status = self.gateway, found.payment_status
        sums = {"asked": 0, "refunded": 0, "rejected": 0}
        for state, minor in found.refunds:
            sums[state] += minor
        assert sums["refunded"] == gateway.refunded <= gateway.captured
        assert sums["asked"] + sums["refunded"] <= gateway.captured, "no more is asked than came"
        assert not gateway.refused_in_order, "the orders themselves ask for no more than is left"
        assert not gateway.captured or status not in UNPAID, "money that came is never forgotten"
        assert gateway.captured or status in UNPAID
        assert status != "refunded" or gateway.refunded == gateway.captured
        assert status != "partially_refunded" or gateway.refunded
        assert found.status != "cancelled" or status not in PAID, "nobody's money is kept for nothing"

    # -- how

    def _fill_shelf(self) -> None:
        self._shelf = [new_id() for _ in range(SHELF)]
        with transaction() as session:
            session.execute(_FILL, {"product": self._product, "ids": self._shelf})
            pieces = {id: IN_STOCK[1 - i % 2] for i, id in enumerate(self._shelf)}
            StockKeeper(session).open(pieces, "initial")

    def _with_order(self, step: Callable[[Session, Any], None]) -> None:
        with transaction() as session:
            step(session, lock_order(session, self.id))

    def _last(self, session: Session, table: str) -> UUID:
        statement = f"SELECT id FROM {table} WHERE order_id = :id ORDER BY id DESC LIMIT 1"
        return session.scalar(text(statement), {"id": self.id}) or new_id()

    def _end_refund(self, refund_id: UUID, goes_back: bool, by_outbox: bool) -> None:
        went_back, sums = self.gateway.end(refund_id, goes_back)
        told = self._about(new_id()) | {"refund_id": refund_id, "reference": ""}
        if went_back:
            self._tell(on_payment_refunded, PaymentRefunded(**told, **sums), by_outbox)
        else:
            event = RefundRejected(**told, amount=sums["amount"], reason="no funds")
            self._tell(on_refund_rejected, event, by_outbox)

    def _payment(self, payment_id: UUID, minor: int) -> PaymentSucceeded:
        told = self._about(payment_id) | {"provider": "card", "reference": "TX", "succeeded_at": now()}
        return PaymentSucceeded(**told, amount=Money(minor, "ETB"))

    def _about(self, payment_id: UUID) -> dict[str, Any]:
        whose = {"payable_kind": "order", "payable_id": self.id, "owner_id": BUYER, "number": "NX"}
        return {"payment_id": payment_id, **whose}

    def _tell(self, handler: Callable[..., None], event: Any, by_outbox: bool) -> None:
        with transaction():
            if by_outbox:
                publish(event)
            else:
                handler(event, None)
        if by_outbox:
            deliver_due()


def _check_history(found: Any) -> None:
    steps = found.history
    assert steps[0][:2] == [None, "pending"] and steps[-1][1] == found.status
    for (_, before, _), (old, new, reason) in pairwise(steps):
        assert old == before, "no step is lost, and none is taken from a status that was left"
        late = (old, new, reason) == ("cancelled", "confirmed", "paid late")
        assert old == new or late or new in TRANSITIONS[OrderStatus(old)], "final stays final"


def _check_wishes(found: Any) -> None:
    open_ones = [wish for wish in found.wishes if wish in ("requested", "approved", "refund_failed")]
    assert len(open_ones) <= 1
    assert "completed" not in found.wishes or found.status == "cancelled"
    if "approved" in found.wishes:
        assert found.status in ("pending", "confirmed", "processing") and not found.shipments
        assert any(state == "asked" for state, _ in found.refunds), "it waits for something"
