"""The orders' routes."""

from nexus_orders.views import cancellations, history, orders, refunds, shipments
from nexus_orders.views.blueprint import blp

__all__ = ["blp", "cancellations", "history", "orders", "refunds", "shipments"]
