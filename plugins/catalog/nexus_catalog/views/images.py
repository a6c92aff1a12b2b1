"""`/api/catalog/products/{product}/images/`."""

from typing import Any
from uuid import UUID

import orjson
from flask import Response

from nexus_catalog.config import CatalogConfig
from nexus_catalog.schemas.images import (
    ProductImageCreateSchema,
    ProductImageOrderSchema,
    ProductImageSchema,
    ProductImageUpdateSchema,
)
from nexus_catalog.services import images
from nexus_catalog.services.ownership import WRITERS
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import PageQuery, current_actor, page_of, reading, settings, transaction


@blp.get("/products/<product>/images/")
@blp.public
@blp.conditional
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(ProductImageSchema))
def list_product_images(args: dict[str, Any], product: str) -> Response:
    """A product's pictures, in their order."""
    with reading() as session:
        return json_answer(orjson.dumps(images.image_page(session, product, args)))


@blp.post("/products/<product>/images/")
@blp.requires_any(*WRITERS)
@blp.multipart(ProductImageCreateSchema, limit=lambda: settings(CatalogConfig).max_image_bytes)
@blp.response(201, ProductImageSchema)
@blp.alt_response(200, schema=ProductImageSchema, description="The product has this picture already.")
def add_product_image(args: dict[str, Any], product: str) -> Response:
    """Add a picture behind the others. One that the product has already is answered as it is, with 200."""
    body, is_new = images.add_image(product, current_actor(), args["image"], args["alt"])
    if not is_new:
        return json_answer(orjson.dumps(body))
    return created(body, f"/api/catalog/products/{product}/images/{body['id']}/")


@blp.put("/products/<product>/images/order/")
@blp.requires_any(*WRITERS)
@blp.arguments(ProductImageOrderSchema)
@blp.response(200, ProductImageOrderSchema)
def order_product_images(args: dict[str, Any], product: str) -> dict[str, Any]:
    """Put all pictures of a product into this order; the first stands for it in lists."""
    with transaction() as session:
        images.order_images(session, product, current_actor(), args["ids"])
    return args


@blp.get("/products/<product>/images/<uuid:image_id>/")
@blp.public
@blp.conditional
@blp.response(200, ProductImageSchema)
def get_product_image(product: str, image_id: UUID) -> Response:
    """One picture of a product."""
    with reading() as session:
        return json_answer(orjson.dumps(images.get_image(session, product, image_id)))


@blp.patch("/products/<product>/images/<uuid:image_id>/")
@blp.requires_any(*WRITERS)
@blp.arguments(ProductImageUpdateSchema)
@blp.response(200, ProductImageSchema)
def update_product_image(args: dict[str, Any], product: str, image_id: UUID) -> Response:
    """Change what a picture is said to show, or its position."""
    with transaction() as session:
        images.update_image(session, product, current_actor(), image_id, args)
        return json_answer(orjson.dumps(images.get_image(session, product, image_id)))


@blp.delete("/products/<product>/images/<uuid:image_id>/")
@blp.requires_any(*WRITERS)
@blp.response(204)
def delete_product_image(product: str, image_id: UUID) -> None:
    """Remove a picture and its files."""
    with transaction() as session:
        images.delete_image(session, product, current_actor(), image_id)
