"""An order as rows, and the one statement that writes them all."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import DateTime, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from nexus_kernel import new_id, now, settings
from nexus_kernel.contracts.cart import CartSnapshot
from nexus_kernel.contracts.orders import Quote
from nexus_kernel.contracts.payments import MethodView
from nexus_orders.config import OrdersConfig
from nexus_orders.services.pricing import Applied
from nexus_orders.states import OrderStatus, PaymentStatus

_COLUMNS = (
    "id, number, user_id, status, payment_status, payment_method, currency, subtotal_minor, discount_minor, "
    "shipping_minor, tax_minor, total_minor, address_line, city, postal_code, country, region, recipient, "
    "phone, cart_id, cart_generation, expires_at, extensions, placed_at, updated_at"
)
INSERT_ORDER = text(
    f"""
    WITH placed AS (
        INSERT INTO orders_order ({_COLUMNS}) VALUES ({", ".join(":" + c for c in _COLUMNS.split(", "))})
        ON CONFLICT DO NOTHING RETURNING id, currency
    ), items AS (
        INSERT INTO orders_item (id, order_id, position, variant_id, product_id, sku, title, quantity,
                                 unit_price_minor, total_minor, discount_minor, tax_minor, currency)
        SELECT line.id, placed.id, position, variant_id, product_id, sku, title, quantity,
               unit_price_minor, total_minor, discount_minor, tax_minor, currency
        FROM placed, jsonb_to_recordset(:items) AS line(
            id uuid, position integer, variant_id uuid, product_id uuid, sku text, title text,
            quantity integer, unit_price_minor bigint, total_minor bigint,
            discount_minor bigint, tax_minor bigint)
    ), adjustments AS (
        INSERT INTO orders_adjustment (id, order_id, position, phase, rule, label,
                                       amount_minor, currency, rate, included)
        SELECT added.id, placed.id, position, phase, rule, label, amount_minor, currency, rate, included
        FROM placed, jsonb_to_recordset(:adjustments) AS added(
            id uuid, position integer, phase text, rule text, label text, amount_minor bigint, rate numeric,
            included boolean)
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
"""Inserts an order with its lines, adjustments and history; no row where its number or its cart is taken."""


def order_row(
    cart: CartSnapshot, priced: Quote, method: MethodView, frozen: dict[str, Any]
) -> dict[str, Any]:
    """The order's columns but for its number."""
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
        **asdict(address),
        "cart_id": cart.id,
        "cart_generation": cart.generation,
        "expires_at": None if term is None else at + term,
        "extensions": frozen,
        "placed_at": at,
        "updated_at": at,
    }


def _margin() -> timedelta:
    return timedelta(minutes=settings(OrdersConfig).expiry_margin_minutes)


def item_rows(priced: Quote) -> list[dict[str, Any]]:
    """The columns of the lines, in their order."""
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
            "discount_minor": line.discount.minor,
            "tax_minor": line.tax.minor,
        }
        for position, line in enumerate(priced.lines)
    ]


def adjustment_rows(applied: list[Applied]) -> list[dict[str, Any]]:
    """The columns of what the rules added, in their order."""
    return [
        {
            "id": new_id(),
            "position": position,
            "phase": a.phase,
            "rule": a.rule,
            "label": a.label,
            "amount_minor": a.amount.minor,
            "rate": None if a.rate is None else f"{a.rate:f}",
            "included": a.included,
        }
        for position, a in enumerate(applied)
    ]
