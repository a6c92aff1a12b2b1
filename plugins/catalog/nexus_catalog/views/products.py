"""`/api/catalog/products/`."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.schemas.products import (
    ProductCreateSchema,
    ProductDetailSchema,
    ProductQuery,
    ProductReplaceSchema,
    ProductSchema,
    ProductUpdateSchema,
)
from nexus_catalog.services import editing, products
from nexus_catalog.services.changes import PRODUCTS, shows_product
from nexus_catalog.services.ownership import WRITERS, check_seller, with_seller
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_catalog.views.preconditions import IF_MATCH, check_if_match
from nexus_kernel import Actor, current_actor, page_of, querying, settings, transaction


@blp.get("/products/")
@blp.public
@blp.cached(tags=[PRODUCTS])
@blp.arguments(ProductQuery, location="query")
@blp.response(200, page_of(ProductSchema))
def list_products(args: dict[str, Any]) -> Response:
    """The products on sale: the newest first, or the best matches of `q`, or by `sort`."""
    with querying() as connection:
        return json_answer(
            orjson.dumps(products.product_page(connection, args, settings(CatalogConfig).currency))
        )


@blp.post("/products/")
@blp.requires_any(*WRITERS)
@blp.arguments(ProductCreateSchema)
@blp.response(201, ProductDetailSchema)
def create_product(args: dict[str, Any]) -> Response:
    """Create a product with its default variant; the slug is made from its title and unique."""
    with transaction() as session:
        values = with_seller(current_actor(), args)
        product_id = editing.create_product(session, values, settings(CatalogConfig).currency)
        body = products.product_detail(session, str(product_id))
    return created(body, f"/api/catalog/products/{product_id}/")


@blp.get("/products/<product>/")
@blp.public
@blp.cached(tags=[])
@blp.response(200, ProductDetailSchema)
def get_product(product: str) -> Response:
    """One product on sale with its variants, by id or slug."""
    with querying() as connection:
        body = products.product_detail(connection, product)
    shows_product(body)
    return json_answer(orjson.dumps(body))


@blp.patch("/products/<product>/")
@blp.requires_any(*WRITERS)
@blp.conditional
@blp.doc(parameters=[IF_MATCH])
@blp.arguments(ProductUpdateSchema)
@blp.response(200, ProductDetailSchema)
def update_product(args: dict[str, Any], product: str) -> Response:
    """Change a product and its default variant; whatever is left out stays."""
    return _change(product, args)


@blp.put("/products/<product>/")
@blp.requires_any(*WRITERS)
@blp.conditional
@blp.doc(parameters=[IF_MATCH])
@blp.arguments(ProductReplaceSchema)
@blp.response(200, ProductDetailSchema)
def replace_product(args: dict[str, Any], product: str) -> Response:
    """Replace the content of a product and its default variant."""
    return _change(product, args)


@blp.delete("/products/<product>/")
@blp.requires_any(*WRITERS)
@blp.doc(parameters=[IF_MATCH])
@blp.response(204)
def retire_product(product: str) -> None:
    """Take a product off sale; orders keep what they know of it."""
    with transaction() as session:
        actor = current_actor()
        _check_if_match(session, product, actor)
        editing.retire_product(session, product, actor)


def _check_if_match(session: Session, key: str, actor: Actor) -> None:
    """As `check_if_match`; the product stays locked."""
    if "If-Match" in request.headers:
        editing.lock_product(session, key, actor)
        check_if_match(lambda: products.product_detail(session, key))


def _change(product: str, changes: Mapping[str, Any]) -> Response:
    with transaction() as session:
        actor = current_actor()
        check_seller(actor, changes)
        _check_if_match(session, product, actor)
        product_id = editing.update_product(session, product, changes, actor)
        return json_answer(orjson.dumps(products.product_detail(session, str(product_id))))
