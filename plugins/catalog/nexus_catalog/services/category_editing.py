"""Changing the tree of categories: names, places, and what becomes of the content of one that goes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexus_catalog.errors import CategoryNotEmpty, CategoryNotFound
from nexus_catalog.models import Category, Product
from nexus_catalog.services.categories import DEEPEST, children_of, lock_tree
from nexus_catalog.services.changes import categories_changed, products_changed
from nexus_catalog.services.slugs import free_slugs, slugify
from nexus_kernel import invalid_field, now

_PLACE = text("""
    WITH RECURSIVE above AS (
        SELECT id, parent_id FROM catalog_category WHERE id = :target
        UNION SELECT c.id, c.parent_id FROM catalog_category c JOIN above a ON c.id = a.parent_id
    ), below AS (
        SELECT id, 1 AS level FROM catalog_category WHERE id = :category_id
        UNION SELECT c.id, b.level + 1 FROM catalog_category c JOIN below b ON c.parent_id = b.id
    )
    SELECT (SELECT count(*) FROM above) AS depth,
           EXISTS (SELECT FROM above WHERE id = :category_id) AS is_inside,
           (SELECT max(level) FROM below) AS height
""").bindparams(bindparam("target", type_=Uuid), bindparam("category_id", type_=Uuid))
"""How deep the target is (0: it does not exist), whether it is in the subtree, how high the subtree is."""


def update_category(session: Session, category_id: UUID, changes: Mapping[str, Any]) -> None:
    """Rename a category, or move it with all that is below it; its slug stays unless it is given.

    A slug that a sibling has, in the old place or the new one, is made unique. Raises CategoryNotFound, and
    Invalid for a parent that does not exist, is below the category, or is too deep in the tree.
    """
    lock_tree(session)
    current = _found(session, category_id)
    if not changes:
        return
    values = {"name": changes["name"]} if "name" in changes else {}
    parent_id = changes.get("parent_id", current.parent_id)
    if parent_id != current.parent_id:
        values["parent_id"] = parent_id
        if parent_id is not None:
            _check_place(session, category_id, parent_id, "parent_id", moved=0)
    base = slugify(changes["slug"], "category") if "slug" in changes else current.slug
    if base != current.slug or "parent_id" in values:
        others = (children_of(parent_id), Category.id != category_id)
        (values["slug"],) = free_slugs(session, Category.slug, [base], *others)
    with _explained("parent_id"):
        changed = update(Category).where(Category.id == category_id)
        session.execute(changed.values(**values, updated_at=now()))
    categories_changed()


def delete_category(session: Session, category_id: UUID, move_to: UUID | None = None) -> None:
    """Delete a category; its children and products are moved to `move_to` first.

    Without it the category must be empty: CategoryNotEmpty counts what there is. Retired products do not
    count; they go to its parent. Raises CategoryNotFound, and Invalid for a target that does not exist, is
    the category itself or below it, or is too deep in the tree for the children.
    """
    lock_tree(session)
    current = _found(session, category_id)
    target = current.parent_id if move_to is None else move_to
    if move_to is None:
        _check_empty(session, category_id)
    else:
        _check_place(session, category_id, move_to, "move_to", moved=1)
        _move_children(session, category_id, move_to)
    moved = update(Product).where(Product.category_id == category_id).values(category_id=target)
    if move_to is None:  # a product that was put on sale here since the check keeps the category
        moved = moved.where(~Product.is_active)
    rows = session.execute(moved.values(updated_at=now()).returning(Product.id, Product.is_active)).all()
    with _explained("move_to"):
        session.execute(delete(Category).where(Category.id == category_id))
    products_changed(row.id for row in rows if row.is_active)
    categories_changed()


def _found(session: Session, category_id: UUID) -> Row[Any]:
    columns = (Category.id, Category.parent_id, Category.slug)
    row = session.execute(select(*columns).where(Category.id == category_id)).one_or_none()
    if row is None:
        raise CategoryNotFound("There is no such category.")
    return row


def _check_place(session: Session, category_id: UUID, target: UUID, field: str, *, moved: int) -> None:
    """`moved` is the level of the subtree that moves: 0 for the category, 1 for its children."""
    place = session.execute(_PLACE, {"category_id": category_id, "target": target}).one()
    if place.depth == 0:
        raise invalid_field(field, "There is no such category.", "unknown_id")
    if place.is_inside:
        raise invalid_field(field, "Must not be the category itself or one below it.", "cycle")
    if place.depth + place.height - moved > DEEPEST:
        raise invalid_field(field, f"Categories nest at most {DEEPEST} deep.", "too_deep")


def _check_empty(session: Session, category_id: UUID) -> None:
    children = select(func.count()).where(Category.parent_id == category_id).scalar_subquery()
    products = (
        select(func.count()).where(Product.category_id == category_id, Product.is_active).scalar_subquery()
    )
    counts = session.execute(select(children.label("children"), products.label("products"))).one()
    if counts.children or counts.products:
        raise CategoryNotEmpty(
            f"It has {counts.children} categories and {counts.products} products on sale; move them to "
            "another category with `?move_to=<id>`.",
            children=counts.children,
            products=counts.products,
        )


def _move_children(session: Session, category_id: UUID, target: UUID) -> None:
    children = session.execute(
        select(Category.id, Category.slug).where(Category.parent_id == category_id).order_by(Category.id)
    ).all()
    if not children:
        return
    slugs = free_slugs(session, Category.slug, [child.slug for child in children], children_of(target))
    moved = [
        {"id": child.id, "parent_id": target, "slug": slug, "updated_at": now()}
        for child, slug in zip(children, slugs, strict=True)
    ]
    session.execute(update(Category), moved)


@contextmanager
def _explained(field: str) -> Iterator[None]:
    """Give a meaning to what the database refuses although it was checked."""
    try:
        yield
    except IntegrityError as error:
        constraint = str(error.orig.diag.constraint_name if error.orig is not None else None)  # type: ignore[attr-defined]
        if "no_cycle" in constraint or "not_its_own_parent" in constraint:
            raise invalid_field(field, "Must not be the category itself or one below it.", "cycle") from None
        if constraint == "fk_catalog_product_category_id":
            raise CategoryNotEmpty("A product has just been put into it; try again.") from None
        raise
