"""The tables of the orders."""

from nexus_orders.models import words
from nexus_orders.models.history import OrderHistory
from nexus_orders.models.notes import OrderNote
from nexus_orders.models.order import Order, OrderAdjustment, OrderItem

__all__ = ["Order", "OrderAdjustment", "OrderHistory", "OrderItem", "OrderNote", "words"]
