"""`/api/orders/<order_id>/shipments/`."""

from typing import Any
from uuid import UUID

from nexus_kernel import PageQuery, current_actor, page_of, reading, transaction
from nexus_orders.schemas.shipments import CreateShipmentSchema, ShipmentSchema, UpdateShipmentSchema
from nexus_orders.services.reading import Orders
from nexus_orders.services.shipments import Shipments
from nexus_orders.views.blueprint import blp


@blp.get("/<uuid:order_id>/shipments/")
@blp.requires("orders.use")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(ShipmentSchema))
def list_shipments(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """An order's shipments, the first one first"""
    with reading() as session:
        return Orders(session, current_actor()).shipments(order_id, args)


@blp.post("/<uuid:order_id>/shipments/")
@blp.requires("orders.manage")
@blp.idempotent()
@blp.arguments(CreateShipmentSchema)
@blp.response(201, ShipmentSchema)
def create_shipment(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """Let pieces of an order leave, or all that is left; the last piece makes it shipped"""
    with transaction() as session:
        actor = current_actor()
        shipment_id = Shipments(session, actor.id).create(order_id, args)
        return Orders(session, actor).shipment(order_id, shipment_id)


@blp.patch("/<uuid:order_id>/shipments/<uuid:shipment_id>/")
@blp.requires("orders.manage")
@blp.arguments(UpdateShipmentSchema)
@blp.response(200, ShipmentSchema)
def update_shipment(args: dict[str, Any], order_id: UUID, shipment_id: UUID) -> dict[str, Any]:
    """Correct carrier and tracking"""
    with transaction() as session:
        actor = current_actor()
        Shipments(session, actor.id).change(order_id, shipment_id, args)
        return Orders(session, actor).shipment(order_id, shipment_id)


@blp.post("/<uuid:order_id>/shipments/<uuid:shipment_id>/deliver/")
@blp.requires("orders.manage")
@blp.response(200, ShipmentSchema)
def deliver_shipment(order_id: UUID, shipment_id: UUID) -> dict[str, Any]:
    """A shipment arrived; with the last one of a shipped order, the order did"""
    with transaction() as session:
        actor = current_actor()
        Shipments(session, actor.id).deliver(order_id, shipment_id)
        return Orders(session, actor).shipment(order_id, shipment_id)
