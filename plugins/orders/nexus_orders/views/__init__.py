"""The orders' routes."""

from nexus_orders.views import history, orders
from nexus_orders.views.blueprint import blp

__all__ = ["blp", "history", "orders"]
