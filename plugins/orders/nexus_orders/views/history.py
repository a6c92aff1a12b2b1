"""`/api/orders/<order_id>/history/`."""

from typing import Any
from uuid import UUID

from nexus_kernel import PageQuery, current_actor, page_of, reading
from nexus_orders.schemas.history import HistorySchema
from nexus_orders.services.reading import Orders
from nexus_orders.views.blueprint import blp


@blp.get("/<uuid:order_id>/history/")
@blp.requires("orders.use")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(HistorySchema))
def list_history(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """What happened to an order, oldest first"""
    with reading() as session:
        return Orders(session, current_actor()).history(order_id, args)
