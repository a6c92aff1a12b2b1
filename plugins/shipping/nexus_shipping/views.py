"""`/api/shipping/`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from nexus_kernel import (
    Blueprint,
    PageQuery,
    current_actor,
    page_of,
    querying,
    reading,
    settings,
    throttle_client,
    transaction,
)
from nexus_kernel.api import conditional
from nexus_shipping.config import ShippingConfig
from nexus_shipping.schemas import (
    MethodSchema,
    MethodUpdateSchema,
    MethodWriteSchema,
    QuoteRequestSchema,
    QuoteSchema,
)
from nexus_shipping.services import editing, quotes
from nexus_shipping.services.reading import METHODS, get_method, method_page

blp = Blueprint("shipping", __name__, url_prefix="/api/shipping", description="How orders are shipped.")

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the method; when it has changed since, nothing is done: 412.",
}


@blp.get("/methods/")
@blp.public
@blp.cached(tags=[METHODS])
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(MethodSchema))
def list_methods(args: dict[str, Any]) -> Response:
    """The ways to ship and what they cost"""
    with querying() as connection:
        return _json(method_page(connection, args, everything=False))


@blp.post("/quote/")
@blp.public
@blp.arguments(QuoteRequestSchema)
@blp.response(200, QuoteSchema)
def quote_shipping(args: dict[str, Any]) -> dict[str, Any]:
    """What shipping would cost for the caller's cart, or for these items"""
    throttle_client("shipping.quote", settings(ShippingConfig).quote_rate)
    actor = current_actor()
    with reading() as session:
        return quotes.quote(session, actor, args)


@blp.get("/methods/managed/")
@blp.requires("shipping.manage")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(MethodSchema))
def list_managed_methods(args: dict[str, Any]) -> Response:
    """Every method, those that are switched off too"""
    with querying() as connection:
        return _json(method_page(connection, args, everything=True))


@blp.post("/methods/")
@blp.requires("shipping.manage")
@blp.arguments(MethodWriteSchema)
@blp.response(201, MethodSchema)
def create_method(args: dict[str, Any]) -> Response:
    """Add a way to ship with its prices"""
    with transaction() as session:
        body = get_method(session, editing.create_method(session, args))
    return _json(body, 201, {"Location": f"/api/shipping/methods/{body['id']}/"})


@blp.get("/methods/<uuid:method_id>/")
@blp.requires("shipping.manage")
@blp.conditional
@blp.response(200, MethodSchema)
def get_one_method(method_id: UUID) -> Response:
    """One method with its prices"""
    with querying() as connection:
        return _json(get_method(connection, method_id))


@blp.patch("/methods/<uuid:method_id>/")
@blp.requires("shipping.manage")
@blp.conditional
@blp.doc(parameters=[_IF_MATCH])
@blp.arguments(MethodUpdateSchema)
@blp.response(200, MethodSchema)
def update_method(args: dict[str, Any], method_id: UUID) -> Response:
    """Change a method; whatever is left out stays, and `bands` replace all of its prices"""
    return _change(method_id, args)


@blp.put("/methods/<uuid:method_id>/")
@blp.requires("shipping.manage")
@blp.conditional
@blp.doc(parameters=[_IF_MATCH])
@blp.arguments(MethodWriteSchema)
@blp.response(200, MethodSchema)
def replace_method(args: dict[str, Any], method_id: UUID) -> Response:
    """Replace a method and all of its prices"""
    return _change(method_id, args)


@blp.delete("/methods/<uuid:method_id>/")
@blp.requires("shipping.manage")
@blp.doc(parameters=[_IF_MATCH])
@blp.response(204)
def delete_method(method_id: UUID) -> None:
    """Delete a method; orders keep what they know of it"""
    with transaction() as session:
        _check_if_match(session, method_id)
        editing.delete_method(session, method_id)


def _change(method_id: UUID, changes: Mapping[str, Any]) -> Response:
    with transaction() as session:
        _check_if_match(session, method_id)
        editing.update_method(session, method_id, changes)
        return _json(get_method(session, method_id))


def _check_if_match(session: Session, method_id: UUID) -> None:
    """Raises PreconditionFailed for a change made from an old copy; the method stays locked."""
    if "If-Match" in request.headers:
        editing.lock_method(session, method_id)
        etag = conditional.content_etag(orjson.dumps(get_method(session, method_id)))
        conditional.check_if_match(etag, "The method has changed since you read it; read it again.")


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, content_type="application/json")
