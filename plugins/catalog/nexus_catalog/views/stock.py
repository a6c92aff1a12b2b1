"""The stock of variants, for staff and for the product's seller."""

from typing import Any
from uuid import UUID

import orjson
from flask import Response

from nexus_catalog.schemas.stock import (
    AdjustedStockSchema,
    StockAdjustmentSchema,
    StockMovementSchema,
    StockSchema,
    StockUpdateSchema,
)
from nexus_catalog.services import adjustments
from nexus_catalog.services.ownership import WRITERS
from nexus_catalog.views.answers import json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import PageQuery, current_actor, page_of, reading, transaction


@blp.get("/products/<product>/stock/")
@blp.requires_any(*WRITERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(StockSchema))
def list_stock(args: dict[str, Any], product: str) -> Response:
    """The stock of every variant of a product, retired ones too."""
    with reading() as session:
        return json_answer(orjson.dumps(adjustments.stock_page(session, product, current_actor(), args)))


@blp.get("/variants/<uuid:variant_id>/stock/")
@blp.requires_any(*WRITERS)
@blp.response(200, StockSchema)
def get_stock(variant_id: UUID) -> Response:
    """How many pieces of a variant are on hand, held and available."""
    with reading() as session:
        return json_answer(orjson.dumps(adjustments.get_stock(session, variant_id, current_actor())))


@blp.patch("/variants/<uuid:variant_id>/stock/")
@blp.requires_any(*WRITERS)
@blp.arguments(StockUpdateSchema)
@blp.response(200, StockSchema)
def update_stock(args: dict[str, Any], variant_id: UUID) -> Response:
    """Set from how few available pieces on the shop is told; null: never."""
    mark = args["low_stock_threshold"]
    with transaction() as session:
        body = adjustments.set_low_mark(session, variant_id, current_actor(), mark)
    return json_answer(orjson.dumps(body))


@blp.post("/variants/<uuid:variant_id>/stock/adjustments/")
@blp.requires_any(*WRITERS)
@blp.idempotent()
@blp.arguments(StockAdjustmentSchema)
@blp.response(201, AdjustedStockSchema)
def adjust_stock(args: dict[str, Any], variant_id: UUID) -> Response:
    """Count the pieces on hand anew, or add to them; never below those that are held."""
    with transaction() as session:
        body = adjustments.adjust_stock(session, variant_id, current_actor(), args)
    return Response(orjson.dumps(body), 201, content_type="application/json")


@blp.get("/variants/<uuid:variant_id>/stock/movements/")
@blp.requires_any(*WRITERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(StockMovementSchema))
def list_stock_movements(args: dict[str, Any], variant_id: UUID) -> Response:
    """The ledger of a variant, the newest entry first; its sums are the stock."""
    with reading() as session:
        page = adjustments.movement_page(session, variant_id, current_actor(), args)
    return json_answer(orjson.dumps(page))
