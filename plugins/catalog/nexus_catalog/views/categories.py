"""`/api/catalog/categories/`."""

from typing import Any
from uuid import UUID

import orjson
from flask import Response

from nexus_catalog.schemas.categories import CategoryCreateSchema, CategoryQuery, CategorySchema
from nexus_catalog.services import categories
from nexus_catalog.services.changes import CATEGORIES
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import page_of, reading, transaction


@blp.get("/categories/")
@blp.public
@blp.cached(tags=[CATEGORIES], seconds=300)
@blp.arguments(CategoryQuery, location="query")
@blp.response(200, page_of(CategorySchema))
def list_categories(args: dict[str, Any]) -> Response:
    """Every category by name, or with `include_children=1` the trees."""
    with reading() as session:
        return json_answer(orjson.dumps(categories.category_page(session, args)))


@blp.post("/categories/")
@blp.requires("catalog.category.write")
@blp.arguments(CategoryCreateSchema)
@blp.response(201, CategorySchema)
def create_category(args: dict[str, Any]) -> Response:
    """Create a category; the slug is made from its name and unique among its siblings."""
    with transaction() as session:
        body = categories.get_category(session, categories.create_category(session, **args))
    return created(body, f"/api/catalog/categories/{body['id']}/")


@blp.get("/categories/<uuid:category_id>/")
@blp.public
@blp.cached(tags=[CATEGORIES], seconds=300)
@blp.response(200, CategorySchema)
def get_category(category_id: UUID) -> Response:
    """One category."""
    with reading() as session:
        return json_answer(orjson.dumps(categories.get_category(session, category_id)))
