"""Who has received what: fed by the orders' events, asked by reviews."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_catalog.models import Product, Purchase, Review


def record_purchases(session: Session, person_id: UUID, product_ids: Collection[UUID]) -> None:
    """Note that a person has these products, and mark what they wrote about them as a buyer's words.

    Products of which the catalog knows nothing are passed over. Doing it again changes nothing.
    """
    one_at_a_time(session, person_id)
    known = select(literal(person_id), Product.id).where(Product.id.in_(product_ids))
    noted = insert(Purchase).from_select(["person_id", "product_id"], known)
    session.execute(noted.on_conflict_do_nothing())
    session.execute(
        update(Review)
        .where(Review.author_id == person_id, Review.product_id.in_(product_ids))
        .where(~Review.is_verified_purchase)
        .values(is_verified_purchase=True, updated_at=Review.updated_at)
    )


def one_at_a_time(session: Session, person_id: UUID) -> None:
    """Let a review, a purchase and the erasure of one person wait for one another until the transaction ends.

    Without it each would miss the other's uncommitted rows: a buyer's review would stay unmarked, and one
    written during the erasure would outlive it.
    """
    key = func.hashtextextended(f"catalog_purchase:{person_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
