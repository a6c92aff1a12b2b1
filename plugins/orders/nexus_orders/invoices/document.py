"""What an invoice says, as JSON that is frozen when it is issued. Amounts are decimal strings."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from nexus_kernel.contracts.accounts import PersonView

_TOTALS = ("subtotal", "discount", "shipping", "tax", "total")
_LINE_AMOUNTS = ("unit_price", "discount", "tax", "total")


def invoice_document(
    *,
    number: str,
    issued_at: datetime,
    day: date,
    seller: Mapping[str, str],
    buyer: PersonView | None,
    order: Mapping[str, Any],
    payment: str,
) -> dict[str, Any]:
    """The invoice of an order. `order` is its body in the API, `day` the date that the invoice bears."""
    address = order["shipping_address"]
    return {
        "number": number,
        "issued_at": issued_at.isoformat(),
        "date": day.isoformat(),
        "order_number": order["number"],
        "placed_at": order["placed_at"].isoformat(),
        "payment": payment,
        "payment_status": order["payment_status"],
        "seller": dict(seller),
        "buyer": {
            "name": buyer.display_name if buyer else address["recipient"],
            "email": buyer.email if buyer else "",
            "address": dict(address),
        },
        "currency": order["currency"],
        "lines": [_line(item) for item in order["items"]],
        "adjustments": [_adjustment(adjustment) for adjustment in order["adjustments"]],
        **{name: str(order[name]) for name in _TOTALS},
    }


def percent(rate: str) -> str:
    """A rate such as `0.15` as people read it: `15 %`."""
    return f"{(Decimal(rate) * 100).normalize():f} %"


def _line(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: item[name] for name in ("sku", "title", "quantity")},
        **{name: str(item[name]) for name in _LINE_AMOUNTS},
    }


def _adjustment(adjustment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: adjustment[name] for name in ("phase", "label", "rate", "included")},
        "amount": str(adjustment["amount"]),
    }
