"""`/api/catalog/categories/`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import orjson
from flask import Response

from nexus_catalog.schemas.categories import CategoryCreateSchema, CategoryQuery, CategorySchema
from nexus_catalog.services import categories
from nexus_catalog.services.changes import CATEGORIES
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import current_cache, page_of, reading, transaction

CACHE_SECONDS = 300


_CATEGORY_PARAMETERS = frozenset(CategoryQuery().fields)


@blp.get("/categories/")
@blp.public
@blp.conditional
@blp.arguments(CategoryQuery, location="query")
@blp.response(200, page_of(CategorySchema))
def list_categories(args: dict[str, Any]) -> Response:
    """Every category by name, or with `include_children=1` the trees."""
    if args.get("cursor") or args.get("page", 1) > 1:
        return json_answer(_category_page(args))
    key = f"catalog:categories:{args.get('page')}:{args['page_size']}:{args['include_children']}"
    body = current_cache().get_or_create(
        key, lambda: _category_page(args), tags=[CATEGORIES], seconds=CACHE_SECONDS
    )
    return json_answer(body)


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
@blp.conditional
@blp.response(200, CategorySchema)
def get_category(category_id: UUID) -> Response:
    """One category."""
    with reading() as session:
        return json_answer(orjson.dumps(categories.get_category(session, category_id)))


def _category_page(args: Mapping[str, Any]) -> bytes:
    with reading() as session:
        page = categories.category_page(session, args)
    for link in ("next", "previous"):
        page[link] = page[link] and _known_only(page[link])
    return orjson.dumps(page)


def _known_only(link: str) -> str:
    """The link without parameters of the one who happened to fill the cache."""
    path, _, query = link.partition("?")
    kept = {name: value for name, value in parse_qsl(query) if name in _CATEGORY_PARAMETERS}
    return f"{path}?{urlencode(kept)}"
