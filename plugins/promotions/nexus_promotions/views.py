"""`/api/promotions/`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from nexus_kernel import Blueprint, current_actor, page_of, querying, reading, transaction
from nexus_kernel.api import conditional
from nexus_promotions.schemas.coupons import (
    CheckCouponSchema,
    CheckedCouponSchema,
    CouponQuery,
    CouponSchema,
    CouponUpdateSchema,
    CouponWriteSchema,
    RedemptionQuery,
    RedemptionSchema,
)
from nexus_promotions.services import editing
from nexus_promotions.services.checking import check_code
from nexus_promotions.services.guessing import count_check
from nexus_promotions.services.reading import coupon_page, get_coupon, redemption_page

blp = Blueprint("promotions", __name__, url_prefix="/api/promotions", description="Coupons")

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of the coupon; when it has changed or was used since, nothing is done: 412.",
}


@blp.post("/coupons/check/")
@blp.requires("promotions.use")
@blp.arguments(CheckCouponSchema)
@blp.response(200, CheckedCouponSchema)
def check_coupon(args: dict[str, Any]) -> dict[str, Any]:
    """Whether a code counts for the caller's cart now; nothing is held"""
    person_id = current_actor().person_id
    count_check(person_id)
    with reading() as session:
        return check_code(session, person_id, args["code"])


@blp.get("/coupons/")
@blp.requires("promotions.manage")
@blp.arguments(CouponQuery, location="query")
@blp.response(200, page_of(CouponSchema))
def list_coupons(args: dict[str, Any]) -> Response:
    """The coupons, the newest first"""
    with querying() as connection:
        return _json(coupon_page(connection, args))


@blp.post("/coupons/")
@blp.requires("promotions.manage")
@blp.arguments(CouponWriteSchema)
@blp.response(201, CouponSchema)
def create_coupon(args: dict[str, Any]) -> Response:
    """Add a coupon"""
    with transaction() as session:
        body = get_coupon(session, editing.create_coupon(session, args))
    return _json(body, 201, {"Location": f"/api/promotions/coupons/{body['id']}/"})


@blp.get("/coupons/<uuid:coupon_id>/")
@blp.requires("promotions.manage")
@blp.conditional
@blp.response(200, CouponSchema)
def get_one_coupon(coupon_id: UUID) -> Response:
    """One coupon"""
    with querying() as connection:
        return _json(get_coupon(connection, coupon_id))


@blp.patch("/coupons/<uuid:coupon_id>/")
@blp.requires("promotions.manage")
@blp.conditional
@blp.doc(parameters=[_IF_MATCH])
@blp.arguments(CouponUpdateSchema)
@blp.response(200, CouponSchema)
def update_coupon(args: dict[str, Any], coupon_id: UUID) -> Response:
    """Change a coupon; whatever is left out stays"""
    return _change(coupon_id, args)


@blp.put("/coupons/<uuid:coupon_id>/")
@blp.requires("promotions.manage")
@blp.conditional
@blp.doc(parameters=[_IF_MATCH])
@blp.arguments(CouponWriteSchema)
@blp.response(200, CouponSchema)
def replace_coupon(args: dict[str, Any], coupon_id: UUID) -> Response:
    """Replace a coupon; its uses stay"""
    return _change(coupon_id, args)


@blp.delete("/coupons/<uuid:coupon_id>/")
@blp.requires("promotions.manage")
@blp.doc(parameters=[_IF_MATCH])
@blp.response(204)
def delete_coupon(coupon_id: UUID) -> None:
    """Delete a coupon that was never used; one that was becomes inactive"""
    with transaction() as session:
        _check_if_match(session, coupon_id)
        editing.delete_coupon(session, coupon_id)


@blp.get("/coupons/<uuid:coupon_id>/redemptions/")
@blp.requires("promotions.manage")
@blp.arguments(RedemptionQuery, location="query")
@blp.response(200, page_of(RedemptionSchema))
def list_redemptions(args: dict[str, Any], coupon_id: UUID) -> Response:
    """What a coupon took off which orders, the newest first"""
    with querying() as connection:
        return _json(redemption_page(connection, coupon_id, args))


def _change(coupon_id: UUID, changes: Mapping[str, Any]) -> Response:
    with transaction() as session:
        _check_if_match(session, coupon_id)
        editing.update_coupon(session, coupon_id, changes)
        return _json(get_coupon(session, coupon_id))


def _check_if_match(session: Session, coupon_id: UUID) -> None:
    """Raises PreconditionFailed for a change made from an old copy; the coupon stays locked."""
    if "If-Match" in request.headers:
        editing.lock_coupon(session, coupon_id)
        etag = conditional.content_etag(orjson.dumps(get_coupon(session, coupon_id)))
        conditional.check_if_match(etag, "The coupon has changed since you read it; read it again.")


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, content_type="application/json")
