"""What staff decide about reviews."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from nexus_catalog.errors import ReviewNotFound
from nexus_catalog.models import Product, Review
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.products import by_key
from nexus_catalog.services.reviews import REVIEW_COLUMNS, present, rating_of
from nexus_kernel import now, paginate

_DECIDED = {"approve": "published", "hide": "hidden"}


def moderation_page(session: Session, args: Mapping[str, Any]) -> dict[str, Any]:
    """A page of everybody's reviews in every state, the newest first. One query."""
    statement = select(*REVIEW_COLUMNS)
    for name in ("state", "rating"):
        if name in args:
            statement = statement.where(getattr(Review, name) == args[name])
    if "product" in args:
        named = select(Product.id).where(by_key(args["product"]))
        statement = statement.where(Review.product_id == named.scalar_subquery())
    order = (Review.created_at, Review.id)
    return paginate(session, statement, order=order, args=args, present=present_moderated)


def decide(session: Session, review_id: UUID, decision: str, reason: str, actor_id: UUID) -> dict[str, Any]:
    """`approve` or `hide` a review, and keep who did it; the review as staff see it.

    The same decision again changes nothing, so who made it first and why stays. Raises ReviewNotFound.
    """
    before = session.execute(
        select(*REVIEW_COLUMNS).where(Review.id == review_id).with_for_update()
    ).one_or_none()
    if before is None:
        raise ReviewNotFound("There is no such review.")
    state = _DECIDED[decision]
    if before.state == state:
        return present_moderated(before)
    values = {"state": state, "moderation_reason": reason, "moderated_by": actor_id, "moderated_at": now()}
    row = session.execute(
        update(Review)
        .where(Review.id == review_id)
        .values(**values, updated_at=Review.updated_at)
        .returning(*REVIEW_COLUMNS)
    ).one()
    if rating_of(before) != rating_of(row):
        products_changed([row.product_id])
    return present_moderated(row)


def present_moderated(row: Row[Any]) -> dict[str, Any]:
    """A review with its author, and with who decided about it."""
    return present(row) | {
        "author_id": row.author_id,
        "moderation_reason": row.moderation_reason or None,
        "moderated_by": row.moderated_by,
        "moderated_at": row.moderated_at,
    }
