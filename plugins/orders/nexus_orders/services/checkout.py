"""Placing an order: one transaction, and the same number of statements whatever the number of lines."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from nexus_kernel import (
    Money,
    current_nexus,
    invalid_field,
    new_id,
    now,
    publish,
    services,
    settings,
)
from nexus_kernel.contracts.cart import CartService, CartSnapshot
from nexus_kernel.contracts.catalog import CatalogService, StockService, VariantView
from nexus_kernel.contracts.orders import Address, OrderLineView, OrderPlaced, Quote
from nexus_kernel.contracts.payments import MethodView, PaymentService
from nexus_kernel.money import LARGEST_MINOR, MoneyError, exponent
from nexus_orders import errors
from nexus_orders.config import OrdersConfig
from nexus_orders.numbers import new_number
from nexus_orders.services import pricing
from nexus_orders.services.extensions import freeze, prepare, record
from nexus_orders.services.lifecycle import reference_of
from nexus_orders.services.present import present_order
from nexus_orders.states import OrderStatus, PaymentStatus

_COLUMNS = (
    "id, number, user_id, status, payment_status, payment_method, currency, subtotal_minor, discount_minor, "
    "shipping_minor, tax_minor, total_minor, address_line, city, postal_code, country, cart_id, "
    "cart_generation, expires_at, extensions, placed_at, updated_at"
)
_INSERT = text(
    f"""
    WITH placed AS (
        INSERT INTO orders_order ({_COLUMNS}) VALUES ({", ".join(":" + c for c in _COLUMNS.split(", "))})
        ON CONFLICT DO NOTHING RETURNING id, currency
    ), items AS (
        INSERT INTO orders_item (id, order_id, position, variant_id, product_id, sku, title, quantity,
                                 unit_price_minor, total_minor, currency)
        SELECT line.id, placed.id, position, variant_id, product_id, sku, title, quantity,
               unit_price_minor, total_minor, currency
        FROM placed, jsonb_to_recordset(:items) AS line(
            id uuid, position integer, variant_id uuid, product_id uuid, sku text, title text,
            quantity integer, unit_price_minor bigint, total_minor bigint)
    ), adjustments AS (
        INSERT INTO orders_adjustment (id, order_id, position, phase, rule, label,
                                       amount_minor, currency, rate)
        SELECT added.id, placed.id, position, phase, rule, label, amount_minor, currency, rate
        FROM placed, jsonb_to_recordset(:adjustments) AS added(
            id uuid, position integer, phase text, rule text, label text, amount_minor bigint, rate numeric)
    ), history AS (
        INSERT INTO orders_history (id, order_id, new_status, payment_status, actor_id, reason, at)
        SELECT :history_id, placed.id, :status, :payment_status, :user_id, :reason, :placed_at
        FROM placed
    )
    SELECT id FROM placed
    """
).bindparams(
    *(bindparam(name, type_=Uuid) for name in ("id", "user_id", "cart_id", "history_id")),
    *(bindparam(name, type_=DateTime(timezone=True)) for name in ("expires_at", "placed_at", "updated_at")),
    *(bindparam(name, type_=JSONB) for name in ("items", "adjustments", "extensions")),
)
_NUMBERS_TO_TRY = 3


class Checkout:
    """Turns a person's cart into an order, inside the caller's transaction."""

    def __init__(self, session: Session, user_id: UUID) -> None:
        self._session = session
        self._user_id = user_id

    def place(
        self,
        address: Address,
        payment_method: str,
        expected_total: Decimal | None = None,
        extensions: Mapping[str, Any] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """The body of the order that was placed.

        Rules and guards run before any stock is locked; the stock is reserved as the last step. A buyer who
        names the expected total has seen what is not for sale any more: those lines are left out.
        Raises Invalid for a way to pay that is not offered, and the errors of `nexus_orders.errors`.
        """
        method = _method(payment_method)
        cart = services.get(CartService).lock(self._user_id)
        if cart is None or not cart.lines:
            raise errors.CartEmpty("Put something into the cart first.")
        variants = services.get(CatalogService).get_variants([line.variant_id for line in cart.lines])
        lines, retired = pricing.split_retired(cart.lines, variants)
        if expected_total is None or not lines:
            lines, retired = cart.lines, ()
        missing = pricing.shortages(lines, variants)
        if missing:
            raise pricing.out_of_stock(missing, variants)
        nexus = current_nexus()
        bare = pricing.quote(self._user_id, lines, variants, address, payment_method)
        _check_currency(method, bare.currency)
        bare = prepare(bare, extensions, nexus.order_extensions.values())
        priced, applied = pricing.apply_rules(bare, nexus.price_rules.values())
        _check_total(priced, expected_total)
        pricing.check_guards(priced, nexus.checkout_guards.values())
        reason = "Placed" + pricing.left_out(retired, variants)
        return self._commit_to(cart, priced, applied, method, variants, reason)

    def _commit_to(
        self,
        cart: CartSnapshot,
        priced: Quote,
        applied: list[pricing.Applied],
        method: MethodView,
        variants: Mapping[UUID, VariantView],
        reason: str,
    ) -> dict[str, Any]:
        items, adjustments = _item_rows(priced), _adjustment_rows(applied)
        extensions = current_nexus().order_extensions.values()
        frozen = freeze(priced, extensions)
        row = self._insert(_order_row(cart, priced, method, frozen), items, adjustments, reason)
        services.get(CartService).empty(cart.id, cart.generation)
        record(self._session, priced, row["id"], extensions)
        missing = services.get(StockService).reserve(
            {line.variant_id: line.quantity for line in priced.lines}, reference_of(row["id"])
        )
        if missing:
            raise pricing.out_of_stock(missing, variants)
        publish(_placed(row, priced))
        return present_order(row, items, adjustments)

    def _insert(
        self,
        row: dict[str, Any],
        items: list[dict[str, Any]],
        adjustments: list[dict[str, Any]],
        reason: str,
    ) -> dict[str, Any]:
        """Insert the order under a number that is free."""
        for _ in range(_NUMBERS_TO_TRY):
            row["number"] = new_number()
            given = {
                **row,
                "items": items,
                "adjustments": adjustments,
                "history_id": new_id(),
                "reason": reason,
            }
            if self._session.execute(_INSERT, given).first() is not None:
                return row
        raise errors.AlreadyPlaced("This cart was ordered a moment ago; look at your orders.")


def _method(code: str) -> MethodView:
    methods = services.get(PaymentService).methods()
    if code not in methods:
        offered = ", ".join(sorted(methods)) or "none"
        raise invalid_field("payment_method", f"Must be one of: {offered}.", "unknown_method")
    return methods[code]


def _check_currency(method: MethodView, currency: str) -> None:
    if method.currencies is not None and currency not in method.currencies:
        message = f"{method.display_name} does not take {currency}."
        raise invalid_field("payment_method", message, "unsupported_currency")


def _check_total(priced: Quote, expected: Decimal | None) -> None:
    """The bound, twelve digits before the point, holds for each amount of the order."""
    amounts = (priced.subtotal, priced.shipping, priced.tax, priced.total)
    bound = min(LARGEST_MINOR, 10 ** (12 + exponent(priced.currency)) - 1)
    if any(amount.minor > bound for amount in amounts):
        raise errors.TotalOutOfRange("Order fewer pieces at a time.")
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


def _order_row(
    cart: CartSnapshot, priced: Quote, method: MethodView, frozen: dict[str, Any]
) -> dict[str, Any]:
    at = now()
    free = not priced.total
    term = None if free or method.pending_ttl is None else method.pending_ttl + _margin()
    address = priced.shipping_address
    return {
        "id": new_id(),
        "user_id": priced.user_id,
        "status": OrderStatus.CONFIRMED if free else OrderStatus.PENDING,
        "payment_status": PaymentStatus.PAID if free else PaymentStatus.PENDING,
        "payment_method": method.code,
        "currency": priced.currency,
        "subtotal_minor": priced.subtotal.minor,
        "discount_minor": priced.discount.minor,
        "shipping_minor": priced.shipping.minor,
        "tax_minor": priced.tax.minor,
        "total_minor": priced.total.minor,
        "address_line": address.address_line,
        "city": address.city,
        "postal_code": address.postal_code,
        "country": address.country,
        "cart_id": cart.id,
        "cart_generation": cart.generation,
        "expires_at": None if term is None else at + term,
        "extensions": frozen,
        "placed_at": at,
        "updated_at": at,
    }


def _margin() -> timedelta:
    return timedelta(minutes=settings(OrdersConfig).expiry_margin_minutes)


def _item_rows(priced: Quote) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id(),
            "position": position,
            "variant_id": line.variant_id,
            "product_id": line.product_id,
            "sku": line.sku,
            "title": line.title,
            "quantity": line.quantity,
            "unit_price_minor": line.unit_price.minor,
            "total_minor": line.total.minor,
        }
        for position, line in enumerate(priced.lines)
    ]


def _adjustment_rows(applied: list[pricing.Applied]) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id(),
            "position": position,
            "phase": a.phase,
            "rule": a.rule,
            "label": a.label,
            "amount_minor": a.amount.minor,
            "rate": None if a.rate is None else f"{a.rate:f}",
        }
        for position, a in enumerate(applied)
    ]


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
