"""The orders' routes."""

from nexus_orders.views import (
    cancellations,
    export,
    history,
    invoices,
    notes,
    orders,
    refunds,
    shipments,
)
from nexus_orders.views.blueprint import blp

__all__ = [
    "blp",
    "cancellations",
    "export",
    "history",
    "invoices",
    "notes",
    "orders",
    "refunds",
    "shipments",
]
