"""`/api/catalog/`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.schemas import (
    CategoryCreateSchema,
    CategoryQuery,
    CategorySchema,
    ProductCreateSchema,
    ProductDetailSchema,
    ProductQuery,
    ProductSchema,
    ProductUpdateSchema,
)
from nexus_catalog.services import categories, editing, products
from nexus_kernel import Blueprint, current_cache, page_of, reading, settings, transaction
from nexus_kernel.api.conditional import content_etag
from nexus_kernel.errors import PreconditionFailed

blp = Blueprint("catalog", __name__, url_prefix="/api/catalog", description="What is for sale")

CACHE_SECONDS = 300
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The product's ETag; when it has changed since, nothing is done and the answer is 412.",
}
_CATEGORY_PARAMETERS = frozenset(CategoryQuery().fields)


@blp.get("/categories/")
@blp.public
@blp.conditional
@blp.arguments(CategoryQuery, location="query")
@blp.response(200, page_of(CategorySchema))
def list_categories(args: dict[str, Any]) -> Response:
    """Every category by name, or with `include_children=1` the trees."""
    if args.get("cursor") or args.get("page", 1) > 1:
        return _json(_category_page(args))
    key = f"catalog:categories:{args.get('page')}:{args['page_size']}:{args['include_children']}"
    body = current_cache().get_or_create(
        key, lambda: _category_page(args), tags=[categories.TAG], seconds=CACHE_SECONDS
    )
    return _json(body)


@blp.post("/categories/")
@blp.requires("catalog.category.write")
@blp.arguments(CategoryCreateSchema)
@blp.response(201, CategorySchema)
def create_category(args: dict[str, Any]) -> Response:
    """Create a category; the slug is made from its name and unique among its siblings."""
    with transaction() as session:
        body = categories.get_category(session, categories.create_category(session, **args))
    return _created(body, f"/api/catalog/categories/{body['id']}/")


@blp.get("/categories/<uuid:category_id>/")
@blp.public
@blp.conditional
@blp.response(200, CategorySchema)
def get_category(category_id: UUID) -> Response:
    """One category."""
    with reading() as session:
        return _json(orjson.dumps(categories.get_category(session, category_id)))


@blp.get("/products/")
@blp.public
@blp.conditional
@blp.arguments(ProductQuery, location="query")
@blp.response(200, page_of(ProductSchema))
def list_products(args: dict[str, Any]) -> Response:
    """The products on sale: the newest first, or the best matches of `q`, or by `sort`."""
    with reading() as session:
        return _json(orjson.dumps(products.product_page(session, args, settings(CatalogConfig).currency)))


@blp.post("/products/")
@blp.requires("catalog.product.write")
@blp.arguments(ProductCreateSchema)
@blp.response(201, ProductDetailSchema)
def create_product(args: dict[str, Any]) -> Response:
    """Create a product with its default variant; the slug is made from its title and unique."""
    with transaction() as session:
        product_id = editing.create_product(session, args, settings(CatalogConfig).currency)
        body = products.product_detail(session, str(product_id))
    return _created(body, f"/api/catalog/products/{product_id}/")


@blp.get("/products/<product>/")
@blp.public
@blp.conditional
@blp.response(200, ProductDetailSchema)
def get_product(product: str) -> Response:
    """One product on sale with its variants, by id or slug."""
    with reading() as session:
        return _json(orjson.dumps(products.product_detail(session, product)))


@blp.patch("/products/<product>/")
@blp.requires("catalog.product.write")
@blp.conditional
@blp.doc(parameters=[_IF_MATCH])
@blp.arguments(ProductUpdateSchema)
@blp.response(200, ProductDetailSchema)
def update_product(args: dict[str, Any], product: str) -> Response:
    """Change a product and its default variant."""
    with transaction() as session:
        _check_if_match(session, product)
        product_id = editing.update_product(session, product, args)
        return _json(orjson.dumps(products.product_detail(session, str(product_id))))


@blp.delete("/products/<product>/")
@blp.requires("catalog.product.write")
@blp.doc(parameters=[_IF_MATCH])
@blp.response(204)
def retire_product(product: str) -> None:
    """Take a product off sale; orders keep what they know of it."""
    with transaction() as session:
        _check_if_match(session, product)
        editing.retire_product(session, product)


def _check_if_match(session: Session, key: str) -> None:
    """Refuse a change made from an old copy (RFC 9110, section 13.1.1); the product stays locked."""
    if "If-Match" not in request.headers:
        return
    editing.lock_product(session, key)
    current = content_etag(orjson.dumps(products.product_detail(session, key)))
    if not request.if_match.contains(current):
        raise PreconditionFailed("The product has changed since you read it; read it again.")


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


def _created(body: Mapping[str, Any], location: str) -> Response:
    return Response(orjson.dumps(body), 201, {"Location": location}, content_type="application/json")


def _json(body: bytes) -> Response:
    return Response(body, content_type="application/json")
