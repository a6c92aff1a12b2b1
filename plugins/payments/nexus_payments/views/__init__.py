"""`/api/payments/`."""

from nexus_payments.views import payments, refunds, webhooks
from nexus_payments.views.blueprint import blp

__all__ = ["blp", "payments", "refunds", "webhooks"]
