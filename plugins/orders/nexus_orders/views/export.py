"""`/api/orders/export/`, for staff."""

from typing import Any

from flask import Response

from nexus_kernel import current_actor, download
from nexus_orders.schemas.filters import ExportQuery
from nexus_orders.services.exporting import CONTENT_TYPE, exported
from nexus_orders.views.blueprint import blp


@blp.get("/export/")
@blp.requires("orders.manage")
@blp.arguments(ExportQuery, location="query")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
def export_orders(args: dict[str, Any]) -> Response:
    """Orders, or their lines, as CSV, the oldest first"""
    return download(exported(current_actor(), args), f"{args['rows']}.csv", CONTENT_TYPE)
