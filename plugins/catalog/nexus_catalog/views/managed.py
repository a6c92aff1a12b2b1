"""Products as those who may change them see them: staff all of them, a seller the own ones."""

from typing import Any

import orjson
from flask import Response

from nexus_catalog.config import CatalogConfig
from nexus_catalog.schemas.managed import (
    ManagedProductDetailSchema,
    ManagedProductQuery,
    ManagedProductSchema,
    PriceChangeSchema,
)
from nexus_catalog.schemas.products import ProductDetailSchema
from nexus_catalog.services import editing, managed, prices, products
from nexus_catalog.services.ownership import WRITERS
from nexus_catalog.views.answers import json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import PageQuery, current_actor, page_of, reading, settings, transaction


@blp.get("/products/managed/")
@blp.requires_any(*WRITERS)
@blp.arguments(ManagedProductQuery, location="query")
@blp.response(200, page_of(ManagedProductSchema))
def list_managed_products(args: dict[str, Any]) -> Response:
    """The products that the caller may change, retired ones too."""
    currency = settings(CatalogConfig).currency
    with reading() as session:
        return json_answer(orjson.dumps(managed.managed_page(session, args, currency, current_actor())))


@blp.get("/products/managed/<product>/")
@blp.requires_any(*WRITERS)
@blp.response(200, ManagedProductDetailSchema)
def get_managed_product(product: str) -> Response:
    """One product that the caller may change, with all that is retired of it."""
    with reading() as session:
        return json_answer(orjson.dumps(managed.managed_detail(session, product, current_actor())))


@blp.post("/products/<product>/restore/")
@blp.requires_any(*WRITERS)
@blp.response(200, ProductDetailSchema)
def restore_product(product: str) -> Response:
    """Put a retired product on sale again."""
    with transaction() as session:
        product_id = editing.restore_product(session, product, current_actor())
        body = products.product_detail(session, str(product_id))
    return json_answer(orjson.dumps(body))


@blp.get("/products/<product>/price_history/")
@blp.requires_any(*WRITERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(PriceChangeSchema))
def list_price_changes(args: dict[str, Any], product: str) -> Response:
    """How the prices of a product's variants changed, the newest change first."""
    with reading() as session:
        return json_answer(orjson.dumps(prices.price_history(session, product, current_actor(), args)))
