"""The category tree."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_catalog.errors import CategoryNotFound
from nexus_catalog.models import Category
from nexus_catalog.services.changes import categories_changed
from nexus_catalog.services.filters import CATEGORY
from nexus_catalog.services.slugs import free_slugs, slugify
from nexus_kernel import Pages, Reader, invalid_field, new_id

DEEPEST = 10
"""Levels of the tree."""
_COLUMNS = (
    CATEGORY.c.id,
    CATEGORY.c.parent_id,
    CATEGORY.c.name,
    CATEGORY.c.slug,
    CATEGORY.c.created_at,
    CATEGORY.c.updated_at,
)


def _pages(statement: Select[Any]) -> Pages:
    order = (CATEGORY.c.name, CATEGORY.c.id)
    return Pages(lambda window: window.of(statement), counted=statement, order=order, descending=False)


_ALL = _pages(select(*_COLUMNS))
_ROOTS = _pages(select(*_COLUMNS).where(CATEGORY.c.parent_id.is_(None)))


def category_page(session: Reader, args: Mapping[str, Any]) -> dict[str, Any]:
    """One page of all categories by name; with `include_children` of the roots, each with its whole tree."""
    pages = _ROOTS if args["include_children"] else _ALL
    page = pages.page(session, args, _category)
    if args["include_children"]:
        _add_children(session, page["results"])
    return page


def get_category(session: Reader, category_id: UUID) -> dict[str, Any]:
    """A category with its ancestors from the root (`path`) and its children. Two queries.

    Raises CategoryNotFound.
    """
    up = select(*_COLUMNS, literal(0).label("distance")).where(CATEGORY.c.id == category_id)
    line = up.cte("line", recursive=True)
    above = select(*_COLUMNS, line.c.distance + 1).where(CATEGORY.c.id == line.c.parent_id)
    line = line.union_all(above)
    *path, row = session.execute(select(line).order_by(line.c.distance.desc())).all() or [None]
    if row is None:
        raise CategoryNotFound("There is no such category.")
    below = select(*_COLUMNS).where(CATEGORY.c.parent_id == category_id)
    children = session.execute(below.order_by(CATEGORY.c.name, CATEGORY.c.id))
    return _category(row) | {
        "path": [{"id": ancestor.id, "name": ancestor.name, "slug": ancestor.slug} for ancestor in path],
        "children": [_category(child) for child in children],
    }


def lock_tree(session: Session) -> None:
    """Changes of the tree go one after the other, until the transaction ends.

    It is the lock of the trigger that refuses cycles, taken before any row's, so that nobody deadlocks.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("catalog_category"))))


def children_of(parent_id: UUID | None) -> ColumnElement[bool]:
    """The condition for the categories of one level, among which a slug is unique."""
    return Category.parent_id.is_not_distinct_from(literal(parent_id, Category.parent_id.type))


def create_category(
    session: Session, name: str, parent_id: UUID | None = None, slug: str | None = None
) -> UUID:
    """A new category's id. Raises Invalid for a parent that does not exist or is too deep in the tree."""
    lock_tree(session)
    if parent_id is not None:
        depth = _depth(session, parent_id)
        if depth == 0:
            raise invalid_field("parent_id", "There is no such category.")
        if depth >= DEEPEST:
            raise invalid_field("parent_id", f"Categories nest at most {DEEPEST} deep.")
    categories_changed()
    base, category_id = slugify(slug or name, "category"), new_id()
    (free,) = free_slugs(session, Category.slug, [base], children_of(parent_id))
    session.execute(insert(Category).values(id=category_id, parent_id=parent_id, name=name, slug=free))
    return category_id


def _depth(session: Session, category_id: UUID) -> int:
    """1 for a root; 0 when there is no such category."""
    path = select(Category.id, Category.parent_id).where(CATEGORY.c.id == category_id)
    ancestors = path.cte("ancestors", recursive=True)
    ancestors = ancestors.union(
        select(Category.id, Category.parent_id).where(Category.id == ancestors.c.parent_id)
    )
    return session.execute(select(func.count()).select_from(ancestors)).scalar_one()


def _add_children(session: Reader, roots: list[dict[str, Any]]) -> None:
    known = {root["id"]: root for root in roots}
    tree = select(*_COLUMNS).where(CATEGORY.c.parent_id.in_(known)).cte("tree", recursive=True)
    tree = tree.union(select(*_COLUMNS).where(CATEGORY.c.parent_id == tree.c.id))
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
    category_id, parent_id, name, slug, created_at, updated_at = row[: len(_COLUMNS)]
    return {
        "id": category_id,
        "parent_id": parent_id,
        "name": name,
        "slug": slug,
        "created_at": created_at,
        "updated_at": updated_at,
    }
