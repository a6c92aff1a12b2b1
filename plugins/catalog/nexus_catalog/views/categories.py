"""`/api/catalog/categories/`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Response
from sqlalchemy.orm import Session

from nexus_catalog.schemas.categories import (
    CategoryCreateSchema,
    CategoryDeleteQuery,
    CategoryQuery,
    CategoryReplaceSchema,
    CategorySchema,
    CategoryUpdateSchema,
)
from nexus_catalog.services import categories, category_editing
from nexus_catalog.services.changes import CATEGORIES
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_catalog.views.preconditions import IF_MATCH, check_if_match
from nexus_kernel import page_of, querying, transaction


@blp.get("/categories/")
@blp.public
@blp.cached(tags=[CATEGORIES])
@blp.arguments(CategoryQuery, location="query")
@blp.response(200, page_of(CategorySchema))
def list_categories(args: dict[str, Any]) -> Response:
    """Every category by name, or with `include_children=1` the trees."""
    with querying() as connection:
        return json_answer(orjson.dumps(categories.category_page(connection, args)))


@blp.post("/categories/")
@blp.requires("catalog.category.write")
@blp.arguments(CategoryCreateSchema)
@blp.response(201, CategorySchema)
def create_category(args: dict[str, Any]) -> Response:
    """Create a category; the slug is made from its name and unique among its siblings."""
    with transaction() as session:
        body = categories.get_category(session, categories.create_category(session, **args))
    return created(body, f"/api/catalog/categories/{body['id']}/")


@blp.patch("/categories/<uuid:category_id>/")
@blp.requires("catalog.category.write")
@blp.conditional
@blp.doc(parameters=[IF_MATCH])
@blp.arguments(CategoryUpdateSchema)
@blp.response(200, CategorySchema)
def update_category(args: dict[str, Any], category_id: UUID) -> Response:
    """Rename a category or move it with all that is below it; whatever is left out stays."""
    return _change(category_id, args)


@blp.put("/categories/<uuid:category_id>/")
@blp.requires("catalog.category.write")
@blp.conditional
@blp.doc(parameters=[IF_MATCH])
@blp.arguments(CategoryReplaceSchema)
@blp.response(200, CategorySchema)
def replace_category(args: dict[str, Any], category_id: UUID) -> Response:
    """Replace name and place of a category."""
    return _change(category_id, args)


@blp.delete("/categories/<uuid:category_id>/")
@blp.requires("catalog.category.write")
@blp.doc(parameters=[IF_MATCH])
@blp.arguments(CategoryDeleteQuery, location="query")
@blp.response(204)
def delete_category(args: dict[str, Any], category_id: UUID) -> None:
    """Delete a category that is empty, or whose content goes to `move_to`."""
    with transaction() as session:
        _check_if_match(session, category_id)
        category_editing.delete_category(session, category_id, **args)


@blp.get("/categories/<uuid:category_id>/")
@blp.public
@blp.cached(tags=[CATEGORIES])
@blp.response(200, CategorySchema)
def get_category(category_id: UUID) -> Response:
    """One category with its ancestors and its children."""
    with querying() as connection:
        return json_answer(orjson.dumps(categories.get_category(connection, category_id)))


def _change(category_id: UUID, changes: Mapping[str, Any]) -> Response:
    with transaction() as session:
        _check_if_match(session, category_id)
        category_editing.update_category(session, category_id, changes)
        return json_answer(orjson.dumps(categories.get_category(session, category_id)))


def _check_if_match(session: Session, category_id: UUID) -> None:
    """As `check_if_match`; the tree stays locked."""
    categories.lock_tree(session)
    check_if_match(lambda: categories.get_category(session, category_id))
