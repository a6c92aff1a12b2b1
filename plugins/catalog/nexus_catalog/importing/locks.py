"""Taking turns with whoever else changes the products of a batch.

A plan is made without locks, so that a file in which nothing changed writes nothing. What it changes is
locked then, and compared by version: a product that was written in between is planned again, behind the lock.
"""

from collections.abc import Sequence

from sqlalchemy import String, Uuid, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from nexus_catalog.importing.plan import VERSION, Plan
from nexus_catalog.importing.products import ImportProduct
from nexus_catalog.models import Product, Variant
from nexus_catalog.services.categories import lock_tree

_LOCK = (
    select(Product.id, VERSION)
    .where(Product.id == bindparam("ids", type_=ARRAY(Uuid)).any_())  # type: ignore[attr-defined]
    .order_by(Product.id)
    .with_for_update(key_share=True)
)
_IDS = (
    select(Variant.product_id)
    .where(Variant.sku == bindparam("skus", type_=ARRAY(String)).any_())  # type: ignore[attr-defined]
    .distinct()
)


class Overtaken(Exception):
    """A product was written between the plan and its lock."""


def lock_all(session: Session, products: Sequence[ImportProduct]) -> None:
    """Lock every stored product of the batch before the plan; the tree of categories goes before products."""
    lock_tree(session)
    skus = [row.sku for product in products for row in product.rows]
    ids = list(session.scalars(_IDS, {"skus": skus}))
    session.execute(_LOCK, {"ids": ids}).all()


def lock_changed(session: Session, plan: Plan) -> None:
    """Create the categories that are missing, and lock the products that change. Raises Overtaken."""
    for product in (*(new.product for new in plan.created), *(known.product for known in plan.changed)):
        plan.paths.id_of(session, product.head.category)
    versions = {known.id: known.version for known in plan.changed}
    locked = session.execute(_LOCK, {"ids": list(versions)}) if versions else ()
    if versions != {row.id: row.version for row in locked}:
        raise Overtaken
