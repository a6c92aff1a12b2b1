"""`/api/catalog/products/`."""

from typing import Any

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.schemas.products import (
    ProductCreateSchema,
    ProductDetailSchema,
    ProductQuery,
    ProductSchema,
    ProductUpdateSchema,
)
from nexus_catalog.services import editing, products
from nexus_catalog.services.changes import PRODUCTS, shows_product
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import page_of, reading, settings, transaction
from nexus_kernel.api.conditional import check_if_match, content_etag

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The product's ETag; when it has changed since, nothing is done and the answer is 412.",
}


@blp.get("/products/")
@blp.public
@blp.cached(tags=[PRODUCTS])
@blp.arguments(ProductQuery, location="query")
@blp.response(200, page_of(ProductSchema))
def list_products(args: dict[str, Any]) -> Response:
    """The products on sale: the newest first, or the best matches of `q`, or by `sort`."""
    with reading() as session:
        return json_answer(
            orjson.dumps(products.product_page(session, args, settings(CatalogConfig).currency))
        )


@blp.post("/products/")
@blp.requires("catalog.product.write")
@blp.arguments(ProductCreateSchema)
@blp.response(201, ProductDetailSchema)
def create_product(args: dict[str, Any]) -> Response:
    """Create a product with its default variant; the slug is made from its title and unique."""
    with transaction() as session:
        product_id = editing.create_product(session, args, settings(CatalogConfig).currency)
        body = products.product_detail(session, str(product_id))
    return created(body, f"/api/catalog/products/{product_id}/")


@blp.get("/products/<product>/")
@blp.public
@blp.cached(tags=[])
@blp.response(200, ProductDetailSchema)
def get_product(product: str) -> Response:
    """One product on sale with its variants, by id or slug."""
    with reading() as session:
        body = products.product_detail(session, product)
    shows_product(body)
    return json_answer(orjson.dumps(body))


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
        return json_answer(orjson.dumps(products.product_detail(session, str(product_id))))


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
    check_if_match(current, "The product has changed since you read it; read it again.")
