"""Counting the ratings anew, in case somebody wrote past the triggers."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text

from nexus_catalog.models import Product
from nexus_catalog.services.changes import products_changed
from nexus_kernel import reading, transaction

BATCH = 1000

_COUNTED = """
    WITH counted AS (
        SELECT p.id, count(r.id)::integer AS n, coalesce(sum(r.rating), 0)::integer AS points,
               ARRAY[count(r.id) FILTER (WHERE r.rating = 1), count(r.id) FILTER (WHERE r.rating = 2),
                     count(r.id) FILTER (WHERE r.rating = 3), count(r.id) FILTER (WHERE r.rating = 4),
                     count(r.id) FILTER (WHERE r.rating = 5)]::integer[] AS stars
        FROM catalog_product p LEFT JOIN catalog_review r ON r.product_id = p.id AND r.state = 'published'
        WHERE p.id = ANY(:ids) GROUP BY p.id
    ), wrong AS (
        SELECT c.* FROM counted c JOIN catalog_product p USING (id)
        WHERE (p.rating_count, p.rating_sum, p.rating_stars) IS DISTINCT FROM (c.n, c.points, c.stars)
    )
"""
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_FIND = text(f"{_COUNTED} SELECT id FROM wrong").bindparams(_IDS)
_LOCK = text("SELECT id FROM catalog_product WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE").bindparams(
    _IDS
)
_CORRECT = text(
    f"{_COUNTED} UPDATE catalog_product p SET rating_count = w.n, rating_sum = w.points, "
    "rating_stars = w.stars FROM wrong w WHERE p.id = w.id RETURNING p.id"
).bindparams(_IDS)


def recount_ratings() -> int:
    """Make every product's ratings those of its published reviews; how many were wrong.

    A transaction for each thousand products, which holds only those that are wrong, so that reviews can be
    written meanwhile.
    """
    return sum(_recount(ids) for ids in _batches())


def _recount(ids: list[UUID]) -> int:
    with reading() as session:
        suspects = list(session.scalars(_FIND, {"ids": ids}))
    if not suspects:
        return 0
    with transaction() as session:
        session.execute(_LOCK, {"ids": suspects})  # counted afterwards: whoever wrote before is committed now
        corrected = list(session.scalars(_CORRECT, {"ids": suspects}))
        products_changed(corrected)
    return len(corrected)


def _batches() -> Iterator[list[UUID]]:
    last: UUID | None = None
    while True:
        statement = select(Product.id).order_by(Product.id).limit(BATCH)
        with reading() as session:
            ids = list(session.scalars(statement if last is None else statement.where(Product.id > last)))
        if not ids:
            return
        yield ids
        last = ids[-1]
