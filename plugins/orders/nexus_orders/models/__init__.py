"""The tables of the orders."""

from nexus_orders.models.history import OrderHistory
from nexus_orders.models.order import Order, OrderAdjustment, OrderItem
from nexus_orders.models.requests import OrderCancellationRequest, OrderRefund, OrderRefundRequest
from nexus_orders.models.shipments import Shipment, ShipmentLine

__all__ = [
    "Order",
    "OrderAdjustment",
    "OrderCancellationRequest",
    "OrderHistory",
    "OrderItem",
    "OrderRefund",
    "OrderRefundRequest",
    "Shipment",
    "ShipmentLine",
]
