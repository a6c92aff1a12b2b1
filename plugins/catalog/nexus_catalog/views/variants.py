"""`/api/catalog/products/{id}/variants/` and `.../options/`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from nexus_catalog.schemas.products import ProductDetailSchema
from nexus_catalog.schemas.variants import (
    OptionsChangeSchema,
    OwnVariantSchema,
    VariantCreateSchema,
    VariantQuery,
    VariantReplaceSchema,
    VariantUpdateSchema,
)
from nexus_catalog.services import editing, options, variants
from nexus_catalog.services.ownership import WRITERS
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_catalog.views.preconditions import IF_MATCH, check_if_match
from nexus_kernel import current_actor, page_of, reading, transaction
from nexus_kernel.actors import ANONYMOUS


@blp.get("/products/<product>/variants/")
@blp.public
@blp.conditional
@blp.arguments(VariantQuery, location="query")
@blp.response(200, page_of(OwnVariantSchema))
def list_variants(args: dict[str, Any], product: str) -> Response:
    """The variants of a product, the oldest first."""
    actor = current_actor() if args["include_retired"] else ANONYMOUS
    with reading() as session:
        return json_answer(orjson.dumps(variants.variant_page(session, product, actor, args)))


@blp.post("/products/<product>/variants/")
@blp.requires_any(*WRITERS)
@blp.arguments(VariantCreateSchema)
@blp.response(201, OwnVariantSchema)
def create_variant(args: dict[str, Any], product: str) -> Response:
    """Add a variant, with a value for each option of the product."""
    with transaction() as session:
        body = variants.create_variant(session, product, current_actor(), args)
    return created(body, f"/api/catalog/products/{body['product_id']}/variants/{body['id']}/")


@blp.get("/products/<product>/variants/<uuid:variant_id>/")
@blp.public
@blp.conditional
@blp.response(200, OwnVariantSchema)
def get_variant(product: str, variant_id: UUID) -> Response:
    """One variant on sale."""
    with reading() as session:
        return json_answer(orjson.dumps(variants.get_variant(session, product, variant_id)))


@blp.patch("/products/<product>/variants/<uuid:variant_id>/")
@blp.requires_any(*WRITERS)
@blp.conditional
@blp.doc(parameters=[IF_MATCH])
@blp.arguments(VariantUpdateSchema)
@blp.response(200, OwnVariantSchema)
def update_variant(args: dict[str, Any], product: str, variant_id: UUID) -> Response:
    """Change a variant; whatever is left out stays."""
    return _write(product, variant_id, args)


@blp.put("/products/<product>/variants/<uuid:variant_id>/")
@blp.requires_any(*WRITERS)
@blp.conditional
@blp.doc(parameters=[IF_MATCH])
@blp.arguments(VariantReplaceSchema)
@blp.response(200, OwnVariantSchema)
def replace_variant(args: dict[str, Any], product: str, variant_id: UUID) -> Response:
    """Replace price and option values of a variant."""
    return _write(product, variant_id, args)


@blp.delete("/products/<product>/variants/<uuid:variant_id>/")
@blp.requires_any(*WRITERS)
@blp.doc(parameters=[IF_MATCH])
@blp.response(204)
def retire_variant(product: str, variant_id: UUID) -> None:
    """Take a variant off sale; not the default one."""
    with transaction() as session:
        _check_if_match(session, product, variant_id)
        variants.retire_variant(session, product, variant_id, current_actor())


@blp.post("/products/<product>/variants/<uuid:variant_id>/restore/")
@blp.requires_any(*WRITERS)
@blp.response(200, OwnVariantSchema)
def restore_variant(product: str, variant_id: UUID) -> Response:
    """Put a retired variant on sale again."""
    with transaction() as session:
        body = variants.restore_variant(session, product, variant_id, current_actor())
    return json_answer(orjson.dumps(body))


@blp.post("/products/<product>/variants/<uuid:variant_id>/make_default/")
@blp.requires_any(*WRITERS)
@blp.response(200, OwnVariantSchema)
def make_variant_default(product: str, variant_id: UUID) -> Response:
    """Let the product's price, SKU and stock be those of this variant."""
    with transaction() as session:
        body = variants.make_default(session, product, variant_id, current_actor())
    return json_answer(orjson.dumps(body))


@blp.put("/products/<product>/options/")
@blp.requires_any(*WRITERS)
@blp.arguments(OptionsChangeSchema)
@blp.response(200, ProductDetailSchema)
def replace_options(args: dict[str, Any], product: str) -> Response:
    """Replace what the variants differ in; each keeps its values, and gets the first one of a new option."""
    with transaction() as session:
        body = options.set_options(session, product, current_actor(), args["options"])
    return json_answer(orjson.dumps(body))


def _write(product: str, variant_id: UUID, changes: Mapping[str, Any]) -> Response:
    with transaction() as session:
        _check_if_match(session, product, variant_id)
        body = variants.update_variant(session, product, variant_id, current_actor(), changes)
    return json_answer(orjson.dumps(body))


def _check_if_match(session: Session, product: str, variant_id: UUID) -> None:
    """As `check_if_match`; the product stays locked."""
    if "If-Match" in request.headers:
        editing.lock_product(session, product, current_actor())
        check_if_match(lambda: variants.get_variant(session, product, variant_id))
