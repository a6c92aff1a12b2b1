"""What authors of reviews are called, and what is left of them once they were erased."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from nexus_catalog.models import LONGEST_NAME, Purchase, Review
from nexus_catalog.services.purchases import one_at_a_time
from nexus_kernel import Unauthorized, current_nexus, current_session, services
from nexus_kernel.contracts.accounts import AccountService

_EXPORTED = (
    Review.id,
    Review.product_id,
    Review.rating,
    Review.title,
    Review.body,
    Review.author_name,
    Review.is_verified_purchase,
    Review.state,
    Review.moderation_reason,
    Review.created_at,
    Review.updated_at,
)


def author_name(person_id: UUID) -> str:
    """First and last name; empty for a person without a name, and in a shop without accounts.

    Never a part of an address: reviews are public. Raises Unauthorized for a person who was erased while
    their token still holds.
    """
    if AccountService not in current_nexus().services.contracts():
        return ""
    person = services.get(AccountService).get_people([person_id]).get(person_id)
    if person is None:
        raise Unauthorized("This account is closed.")
    return f"{person.first_name} {person.last_name}".strip()[:LONGEST_NAME]


def forget_author(session: Session, person_id: UUID) -> int:
    """Erase a person from the reviews; the number of reviews that stay, without a name.

    Published ones stay, and so do the ratings. What nobody sees, and what the person bought, is deleted.
    Doing it again changes nothing.
    """
    one_at_a_time(session, person_id)
    own = Review.author_id == person_id
    session.execute(delete(Review).where(own, Review.state != "published"))
    session.execute(delete(Purchase).where(Purchase.person_id == person_id))
    kept = update(Review).where(own).values(author_id=None, author_name="", updated_at=Review.updated_at)
    return len(session.execute(kept.returning(Review.id)).all())


def export_reviews(session: Session, person_id: UUID) -> list[dict[str, Any]]:
    """Everything a person wrote about products, oldest first, in whatever state."""
    own = select(*_EXPORTED).where(Review.author_id == person_id).order_by(Review.created_at, Review.id)
    return [dict(row._mapping) for row in session.execute(own)]


class CatalogData:
    """What the catalog keeps of a person, to export and to erase, in the unit of work under way."""

    name = "catalog"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """What they wrote and what they have received. Two queries."""
        session = current_session()
        received = select(Purchase.product_id, Purchase.created_at).where(Purchase.person_id == person_id)
        purchases = session.execute(received.order_by(Purchase.created_at, Purchase.product_id))
        return {
            "reviews": export_reviews(session, person_id),
            "purchases": [dict(row._mapping) for row in purchases],
        }

    def erase(self, person_id: UUID) -> None:
        """See `forget_author`."""
        forget_author(current_session(), person_id)
