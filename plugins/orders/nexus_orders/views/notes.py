"""`/api/orders/<order_id>/notes/`."""

from typing import Any
from uuid import UUID

from nexus_kernel import PageQuery, current_actor, page_of, reading, transaction
from nexus_orders.models import OrderNote
from nexus_orders.schemas.notes import NewNoteSchema, NoteSchema
from nexus_orders.services.notes import Notes
from nexus_orders.views.blueprint import blp


@blp.get("/<uuid:order_id>/notes/")
@blp.requires("orders.use")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(NoteSchema))
def list_notes(args: dict[str, Any], order_id: UUID) -> dict[str, Any]:
    """The notes about an order, newest first; buyers see those that are meant for them"""
    with reading() as session:
        return Notes(session, current_actor(), order_id).page(args)


@blp.post("/<uuid:order_id>/notes/")
@blp.requires("orders.manage")
@blp.idempotent()
@blp.arguments(NewNoteSchema)
@blp.response(201, NoteSchema)
def add_note(args: dict[str, Any], order_id: UUID) -> OrderNote:
    """Write something down about an order"""
    with transaction() as session:
        return Notes(session, current_actor(), order_id).add(**args)


@blp.delete("/<uuid:order_id>/notes/<uuid:note_id>/")
@blp.requires("orders.manage")
@blp.response(204)
def delete_note(order_id: UUID, note_id: UUID) -> None:
    """Delete a note about an order"""
    with transaction() as session:
        Notes(session, current_actor(), order_id).remove(note_id)
