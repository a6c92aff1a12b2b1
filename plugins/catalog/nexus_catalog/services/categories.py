"""The category tree."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_catalog.errors import CategoryNotFound
from nexus_catalog.models import Category
from nexus_catalog.services.changes import categories_changed
from nexus_catalog.services.slugs import free_slugs, slugify
from nexus_kernel import Conflict, invalid_field, new_id, paginate

DEEPEST = 10
"""Levels of the tree."""
_ATTEMPTS = 10
_COLUMNS = (
    Category.id,
    Category.parent_id,
    Category.name,
    Category.slug,
    Category.created_at,
    Category.updated_at,
)


def category_page(session: Session, args: Mapping[str, Any]) -> dict[str, Any]:
    """One page of all categories by name; with `include_children` of the roots, each with its whole tree."""
    statement: Select[Any] = select(*_COLUMNS)
    if args["include_children"]:
        statement = statement.where(Category.parent_id.is_(None))
    order = (Category.name, Category.id)
    page = paginate(session, statement, order=order, descending=False, args=args, present=_category)
    if args["include_children"]:
        _add_children(session, page["results"])
    return page


def get_category(session: Session, category_id: UUID) -> dict[str, Any]:
    """One category. Raises CategoryNotFound."""
    row = session.execute(select(*_COLUMNS).where(Category.id == category_id)).one_or_none()
    if row is None:
        raise CategoryNotFound("There is no such category.")
    return _category(row)


def create_category(session: Session, name: str, parent_id: UUID | None = None) -> UUID:
    """A new category's id. Raises Invalid for a parent that does not exist or is too deep in the tree."""
    if parent_id is not None:
        depth = _depth(session, parent_id)
        if depth == 0:
            raise invalid_field("parent_id", "There is no such category.")
        if depth >= DEEPEST:
            raise invalid_field("parent_id", f"Categories nest at most {DEEPEST} deep.")
    categories_changed()
    siblings = Category.parent_id.is_not_distinct_from(literal(parent_id, Category.parent_id.type))
    for attempt in range(_ATTEMPTS):
        (slug,) = free_slugs(
            session, Category.slug, [slugify(name, "category")], siblings, random=attempt > 2
        )
        values = {"id": new_id(), "parent_id": parent_id, "name": name, "slug": slug}
        created = insert(Category).values(values).on_conflict_do_nothing().returning(Category.id)
        category_id = session.execute(created).scalar()
        if category_id is not None:
            return category_id
    raise Conflict("Too many categories of this name are being created; try again.")


def _depth(session: Session, category_id: UUID) -> int:
    """1 for a root; 0 when there is no such category."""
    path = select(Category.id, Category.parent_id).where(Category.id == category_id)
    ancestors = path.cte("ancestors", recursive=True)
    ancestors = ancestors.union(
        select(Category.id, Category.parent_id).where(Category.id == ancestors.c.parent_id)
    )
    return session.execute(select(func.count()).select_from(ancestors)).scalar_one()


def _add_children(session: Session, roots: list[dict[str, Any]]) -> None:
    known = {root["id"]: root for root in roots}
    tree = select(*_COLUMNS).where(Category.parent_id.in_(known)).cte("tree", recursive=True)
    tree = tree.union(select(*_COLUMNS).where(Category.parent_id == tree.c.id))
    for root in roots:
        root["children"] = []
    below = [
        _category(row) | {"children": []}
        for row in session.execute(select(tree).order_by(tree.c.name, tree.c.id))
    ]
    known |= {category["id"]: category for category in below}
    for category in below:
        known[category["parent_id"]]["children"].append(category)


def _category(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "parent_id": row.parent_id,
        "name": row.name,
        "slug": row.slug,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
