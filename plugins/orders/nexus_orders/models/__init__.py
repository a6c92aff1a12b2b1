"""The tables of the orders."""

from nexus_orders.models import words
from nexus_orders.models.history import OrderHistory
from nexus_orders.models.invoices import InvoiceSeries, OrderInvoice
from nexus_orders.models.notes import OrderNote
from nexus_orders.models.order import Order, OrderAdjustment, OrderItem
from nexus_orders.models.requests import OrderCancellationRequest, OrderRefund, OrderRefundRequest
from nexus_orders.models.shipments import Shipment, ShipmentLine

TABLES = (
    Order,
    OrderItem,
    OrderAdjustment,
    OrderHistory,
    Shipment,
    ShipmentLine,
    OrderCancellationRequest,
    OrderRefundRequest,
    OrderRefund,
    OrderNote,
    InvoiceSeries,
    OrderInvoice,
)

__all__ = [
    "TABLES",
    "InvoiceSeries",
    "Order",
    "OrderAdjustment",
    "OrderCancellationRequest",
    "OrderHistory",
    "OrderInvoice",
    "OrderItem",
    "OrderNote",
    "OrderRefund",
    "OrderRefundRequest",
    "Shipment",
    "ShipmentLine",
    "words",
]
