"""`/api/tax/`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from nexus_kernel import Blueprint, page_of, querying, transaction
from nexus_kernel.api import conditional
from nexus_tax.schemas import RateQuery, RateSchema, RateUpdateSchema, RateWriteSchema
from nexus_tax.services import editing
from nexus_tax.services.reading import get_rate, rate_page

blp = Blueprint("tax", __name__, url_prefix="/api/tax", description="Rates of tax.")

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the rate; when it has changed since, nothing is done: 412.",
}


@blp.get("/rates/")
@blp.requires("tax.manage")
@blp.arguments(RateQuery, location="query")
@blp.response(200, page_of(RateSchema))
def list_rates(args: dict[str, Any]) -> Response:
    """The rates by country, region and label"""
    with querying() as connection:
        return _json(rate_page(connection, args))


@blp.post("/rates/")
@blp.requires("tax.manage")
@blp.arguments(RateWriteSchema)
@blp.response(201, RateSchema)
def create_rate(args: dict[str, Any]) -> Response:
    """Add a rate"""
    with transaction() as session:
        body = get_rate(session, editing.create_rate(session, args))
    return _json(body, 201, {"Location": f"/api/tax/rates/{body['id']}/"})


@blp.get("/rates/<uuid:rate_id>/")
@blp.requires("tax.manage")
@blp.conditional
@blp.response(200, RateSchema)
def get_one_rate(rate_id: UUID) -> Response:
    """One rate"""
    with querying() as connection:
        return _json(get_rate(connection, rate_id))


@blp.patch("/rates/<uuid:rate_id>/")
@blp.requires("tax.manage")
@blp.conditional
@blp.doc(parameters=[_IF_MATCH])
@blp.arguments(RateUpdateSchema)
@blp.response(200, RateSchema)
def update_rate(args: dict[str, Any], rate_id: UUID) -> Response:
    """Change a rate; whatever is left out stays"""
    return _change(rate_id, args)


@blp.put("/rates/<uuid:rate_id>/")
@blp.requires("tax.manage")
@blp.conditional
@blp.doc(parameters=[_IF_MATCH])
@blp.arguments(RateWriteSchema)
@blp.response(200, RateSchema)
def replace_rate(args: dict[str, Any], rate_id: UUID) -> Response:
    """Replace a rate"""
    return _change(rate_id, args)


@blp.delete("/rates/<uuid:rate_id>/")
@blp.requires("tax.manage")
@blp.doc(parameters=[_IF_MATCH])
@blp.response(204)
def delete_rate(rate_id: UUID) -> None:
    """Delete a rate; orders keep the tax they have"""
    with transaction() as session:
        _check_if_match(session, rate_id)
        editing.delete_rate(session, rate_id)


def _change(rate_id: UUID, changes: Mapping[str, Any]) -> Response:
    with transaction() as session:
        _check_if_match(session, rate_id)
        editing.update_rate(session, rate_id, changes)
        return _json(get_rate(session, rate_id))


def _check_if_match(session: Session, rate_id: UUID) -> None:
    """Raises PreconditionFailed for a change made from an old copy; the rates stay locked."""
    if "If-Match" in request.headers:
        editing.lock_rates(session)
        etag = conditional.content_etag(orjson.dumps(get_rate(session, rate_id)))
        conditional.check_if_match(etag, "The rate has changed since you read it; read it again.")


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, content_type="application/json")
