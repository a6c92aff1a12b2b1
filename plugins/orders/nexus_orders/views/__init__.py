"""The orders' routes."""

from nexus_orders.views import export, history, invoices, notes, orders
from nexus_orders.views.blueprint import blp

__all__ = ["blp", "export", "history", "invoices", "notes", "orders"]
