"""Reviews: what everybody reads, and what an author writes. Writers run inside the caller's transaction.

The database keeps the product's ratings (`catalog_0005`); here it is said to others when they have changed.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.errors import (
    AlreadyReviewed,
    OwnProduct,
    ProductNotFound,
    PurchaseRequired,
    ReviewHidden,
    ReviewNotFound,
)
from nexus_catalog.models import STARS, Product, Purchase, Review
from nexus_catalog.services.authors import author_name
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.products import by_key
from nexus_catalog.services.purchases import one_at_a_time
from nexus_kernel import new_id, now, paginate

REVIEW_COLUMNS = (
    Review.id,
    Review.product_id,
    Review.author_id,
    Review.author_name,
    Review.rating,
    Review.title,
    Review.body,
    Review.is_verified_purchase,
    Review.state,
    Review.moderation_reason,
    Review.moderated_by,
    Review.moderated_at,
    Review.created_at,
    Review.updated_at,
)
_REVIEWS = select(*REVIEW_COLUMNS)
_NEWEST, _BEST = (Review.created_at, Review.id), (Review.rating, Review.created_at, Review.id)
_ORDERS: Mapping[str, tuple[Any, bool]] = {
    "-created_at": (_NEWEST, True),
    "rating": (_BEST, False),
    "-rating": (_BEST, True),
}
SORTS = tuple(_ORDERS)


def review_page(session: Session, key: str, args: Mapping[str, Any], reader: UUID | None) -> dict[str, Any]:
    """A page of a product's published reviews, its ratings, and the reader's own review.

    Two queries, one more for a reader who is signed in. Raises ProductNotFound.
    """
    product = _product(session, key)
    order, descending = _ORDERS[args["sort"]]
    statement = _REVIEWS.where(Review.product_id == product.id, Review.state == "published")
    if "rating" in args:
        statement = statement.where(Review.rating == args["rating"])
    if "verified" in args:
        flag = Review.is_verified_purchase
        statement = statement.where(flag if args["verified"] else ~flag)
    page = paginate(session, statement, order=order, descending=descending, args=args, present=present)
    own = None
    if reader is not None:
        own = session.execute(
            _REVIEWS.where(Review.product_id == product.id, Review.author_id == reader)
        ).one_or_none()
    return page | _ratings(product) | {"own": own and present(own)}


def get_review(
    session: Session, key: str, review_id: UUID, reader: UUID | None, *, sees_all: bool = False
) -> dict[str, Any]:
    """A review of a product on sale: a published one, the reader's own, or with `sees_all` any.

    One query. Raises ReviewNotFound, for a product that does not exist too.
    """
    row = session.execute(_of_product(key).where(Review.id == review_id)).one_or_none()
    if row is None or not (sees_all or row.state == "published" or _is_author(row, reader)):
        raise ReviewNotFound("There is no such review of this product.")
    return present(row)


def create_review(
    session: Session, key: str, author_id: UUID, values: Mapping[str, Any], config: CatalogConfig
) -> dict[str, Any]:
    """A person's review of a product on sale, published at once unless the shop looks at it first.

    Raises ProductNotFound, OwnProduct, PurchaseRequired and AlreadyReviewed.
    """
    product = _product(session, key)
    if product.seller_id == author_id:
        raise OwnProduct("Sellers do not review their own products.")
    one_at_a_time(session, author_id)
    name = author_name(author_id)
    bought = select(Purchase).where(Purchase.person_id == author_id, Purchase.product_id == product.id)
    verified = session.scalar(select(bought.exists()))
    if config.reviews_require_purchase and not verified:
        raise PurchaseRequired("Only people who have received this product review it.")
    row = session.execute(
        insert(Review)
        .values(
            id=new_id(),
            product_id=product.id,
            author_id=author_id,
            author_name=name,
            is_verified_purchase=verified,
            state="pending" if config.review_moderation == "before" else "published",
            **values,
        )
        .on_conflict_do_nothing()
        .returning(*REVIEW_COLUMNS)
    ).one_or_none()
    if row is None:
        raise AlreadyReviewed("You have reviewed this product; edit that review.")
    _tell(None, row)
    return present(row)


def update_review(
    session: Session,
    key: str,
    review_id: UUID,
    author_id: UUID,
    changes: Mapping[str, Any],
    config: CatalogConfig,
) -> dict[str, Any]:
    """Change one's own review. What was hidden waits for a decision after it, and what was published where
    the shop looks at reviews first. Nothing is written when nothing differs. Raises ReviewNotFound.
    """
    before = _lock(session, key, review_id)
    if not _is_author(before, author_id):
        raise ReviewNotFound("There is no such review of this product.")
    if all(getattr(before, name) == value for name, value in changes.items()):
        return present(before)
    judged = before.state == "hidden" or config.review_moderation == "before"
    row = session.execute(
        update(Review)
        .where(Review.id == review_id)
        .values(
            **changes,
            author_name=author_name(author_id),
            state="pending" if judged else before.state,
            updated_at=now(),
        )
        .returning(*REVIEW_COLUMNS)
    ).one()
    _tell(before, row)
    return present(row)


def delete_review(
    session: Session, key: str, review_id: UUID, actor_id: UUID, *, deletes_any: bool = False
) -> None:
    """Delete one's own review, or with `deletes_any` anybody's. Raises ReviewNotFound and ReviewHidden."""
    row = _lock(session, key, review_id)
    if not (deletes_any or _is_author(row, actor_id)):
        raise ReviewNotFound("There is no such review of this product.")
    if row.state == "hidden" and not deletes_any:
        raise ReviewHidden("The shop has hidden this review: it can be edited, and not deleted.")
    session.execute(delete(Review).where(Review.id == review_id))
    _tell(row, None)


def rating_of(row: Row[Any] | None) -> int | None:
    """What a review counts in its product's ratings: its stars when it is published, else nothing."""
    return row.rating if row is not None and row.state == "published" else None


def present(row: Row[Any]) -> dict[str, Any]:
    """A review as the API shows it."""
    return {
        "id": row.id,
        "product_id": row.product_id,
        "rating": row.rating,
        "title": row.title,
        "body": row.body,
        "author_name": row.author_name or None,
        "is_verified_purchase": row.is_verified_purchase,
        "state": row.state,
        "moderation_reason": row.moderation_reason if row.state == "hidden" else None,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _tell(before: Row[Any] | None, after: Row[Any] | None) -> None:
    if rating_of(before) != rating_of(after):
        products_changed({row.product_id for row in (before, after) if row is not None})


def _is_author(row: Row[Any], person_id: UUID | None) -> bool:
    return person_id is not None and row.author_id == person_id


def _product(session: Session, key: str) -> Row[Any]:
    columns = (Product.id, Product.seller_id, Product.rating_average, Product.rating_count)
    row = session.execute(
        select(*columns, Product.rating_stars).where(by_key(key), Product.is_active)
    ).one_or_none()
    if row is None:
        raise ProductNotFound("No product on sale has this id or slug.")
    return row


def _of_product(key: str) -> Select[Any]:
    on_sale = (Product.id == Review.product_id) & Product.is_active
    return _REVIEWS.join(Product, on_sale).where(by_key(key))


def _lock(session: Session, key: str, review_id: UUID) -> Row[Any]:
    statement = _of_product(key).where(Review.id == review_id).with_for_update(of=Review)
    row = session.execute(statement).one_or_none()
    if row is None:
        raise ReviewNotFound("There is no such review of this product.")
    return row


def _ratings(product: Row[Any]) -> dict[str, Any]:
    return {
        "rating_average": float(product.rating_average) if product.rating_count else None,
        "rating_count": product.rating_count,
        "rating_distribution": {
            str(star): count for star, count in zip(STARS, product.rating_stars, strict=True)
        },
    }
