"""Rows as the bodies of the API."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from nexus_kernel import Money

_AS_THEY_ARE = (
    "id",
    "number",
    "user_id",
    "status",
    "payment_status",
    "payment_method",
    "currency",
    "placed_at",
    "updated_at",
    "expires_at",
    "extensions",
)
ADDRESS = ("address_line", "city", "postal_code", "country", "region", "recipient", "phone")
_SHIPMENT = ("id", "number", "carrier", "tracking_code", "tracking_url", "lines")
_CANCELLATION = ("id", "status", "reason", "note")


def present_order(
    row: Mapping[str, Any], items: Iterable[Mapping[str, Any]], adjustments: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """The body of an order: `row` by column name, `items` and `adjustments` as their tables have them.

    What happened after it was placed is in the row's `shipments_json`, `cancellation_json` and
    `refunded_minor`; an order that is just placed has none of them.
    """
    currency, adjustments = row["currency"], list(adjustments)
    return {
        **{name: row[name] for name in _AS_THEY_ARE},
        **{
            name: Money(row[f"{name}_minor"], currency)
            for name in ("subtotal", "discount", "shipping", "tax", "total")
        },
        "tax_included": Money(sum(a["amount_minor"] for a in adjustments if a["included"]), currency),
        "shipping_address": {name: row[name] for name in ADDRESS},
        "items": [_item(item, currency) for item in items],
        "adjustments": [_adjustment(adjustment, currency) for adjustment in adjustments],
        "refunded": Money(row.get("refunded_minor", 0), currency),
        "shipments": [present_shipment(shipment) for shipment in row.get("shipments_json", ())],
        "cancellation": _cancellation(row.get("cancellation_json")),
    }


def _item(item: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        **{name: item[name] for name in ("id", "product_id", "variant_id", "sku", "title", "quantity")},
        "shipped_quantity": item.get("shipped_quantity", 0),
        "unit_price": Money(item["unit_price_minor"], currency),
        "line_total": Money(item["total_minor"], currency),
        "discount": Money(item["discount_minor"], currency),
        "tax": Money(item["tax_minor"], currency),
        "total": Money(item["total_minor"] - item["discount_minor"] + item["tax_minor"], currency),
    }


def _adjustment(adjustment: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        **{name: adjustment[name] for name in ("phase", "label", "rate", "included")},
        "amount": Money(adjustment["amount_minor"], currency),
    }


def present_shipment(shipment: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a shipment, as PostgreSQL's JSON has it."""
    times = {name: _time(shipment[name]) for name in ("shipped_at", "delivered_at")}
    return {**{name: shipment[name] for name in _SHIPMENT}, **times}


def _cancellation(wish: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if wish is None:
        return None
    times = {name: _time(wish[name]) for name in ("requested_at", "decided_at")}
    return {**{name: wish[name] for name in _CANCELLATION}, **times}


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
