"""Notes about orders: staff write them and see all of them, buyers see those that are meant for them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexus_kernel import Actor, paginate
from nexus_orders import errors
from nexus_orders.models import Order, OrderNote
from nexus_orders.services.filters import MANAGE

_COLUMNS = (
    OrderNote.id,
    OrderNote.author_id,
    OrderNote.text,
    OrderNote.visible_to_buyer,
    OrderNote.created_at,
)


class Notes:
    """The notes of one order, as somebody may see them."""

    def __init__(self, session: Session, actor: Actor, order_id: UUID) -> None:
        self._session = session
        self._actor = actor
        self._order_id = order_id

    def page(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """A page of them, newest first. Raises OrderNotFound, also for a stranger's. Two queries."""
        is_staff = self._actor.can(MANAGE)
        order = select(Order.id).where(Order.id == self._order_id)
        if not is_staff:
            order = order.where(Order.user_id == self._actor.person_id)
        if self._session.execute(order).first() is None:
            raise errors.OrderNotFound()
        notes = select(*_COLUMNS).where(OrderNote.order_id == self._order_id)
        if not is_staff:
            notes = notes.where(OrderNote.visible_to_buyer)
        return paginate(
            self._session, notes, order=[OrderNote.id], args=args, present=lambda row: row._mapping
        )

    def add(self, text: str, visible_to_buyer: bool) -> OrderNote:
        """Write one. Raises OrderNotFound. One statement."""
        note = OrderNote(
            order_id=self._order_id,
            author_id=self._actor.person_id,
            text=text,
            visible_to_buyer=visible_to_buyer,
        )
        self._session.add(note)
        try:
            self._session.flush()
        except IntegrityError as error:
            if "fk_orders_note_order_id" not in str(error.orig):
                raise
            raise errors.OrderNotFound() from error
        return note

    def remove(self, note_id: UUID) -> None:
        """Delete one, whoever wrote it. Raises NoteNotFound. One statement."""
        gone = delete(OrderNote).where(OrderNote.order_id == self._order_id, OrderNote.id == note_id)
        if self._session.execute(gone.returning(OrderNote.id)).first() is None:
            raise errors.NoteNotFound()
