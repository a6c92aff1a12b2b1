"""The tables of the orders."""

from nexus_orders.models import words
from nexus_orders.models.history import OrderHistory
from nexus_orders.models.invoices import InvoiceSeries, OrderInvoice
from nexus_orders.models.notes import OrderNote
from nexus_orders.models.order import Order, OrderAdjustment, OrderItem
from nexus_orders.models.payments import OrderPayment
from nexus_orders.models.requests import OrderCancellationRequest, OrderRefund, OrderRefundRequest
from nexus_orders.models.shipments import Shipment, ShipmentLine

MODELS = (
    Order,
    OrderItem,
    OrderAdjustment,
    OrderHistory,
    Shipment,
    ShipmentLine,
    OrderCancellationRequest,
    OrderRefundRequest,
    OrderRefund,
    OrderPayment,
    OrderNote,
    InvoiceSeries,
    OrderInvoice,
)
"""All of them, each after those that it refers to."""

__all__ = [
    "MODELS",
    "InvoiceSeries",
    "Order",
    "OrderAdjustment",
    "OrderCancellationRequest",
    "OrderHistory",
    "OrderInvoice",
    "OrderItem",
    "OrderNote",
    "OrderPayment",
    "OrderRefund",
    "OrderRefundRequest",
    "Shipment",
    "ShipmentLine",
    "words",
]
