"""`/api/catalog/products/{id}/reviews/`, and `/api/catalog/reviews/` for staff."""

from typing import Any
from uuid import UUID

import orjson
from flask import Response

from nexus_catalog.config import CatalogConfig
from nexus_catalog.schemas.reviews import (
    ApproveSchema,
    HideSchema,
    ModeratedReviewSchema,
    ModerationQuery,
    ReviewCreateSchema,
    ReviewPageSchema,
    ReviewQuery,
    ReviewSchema,
    ReviewUpdateSchema,
)
from nexus_catalog.services import moderation, reviews
from nexus_catalog.views.answers import created, json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import current_actor, page_of, reading, settings, transaction

MODERATE = "catalog.review.moderate"


@blp.get("/products/<product>/reviews/")
@blp.public
@blp.conditional
@blp.arguments(ReviewQuery, location="query")
@blp.response(200, ReviewPageSchema)
def list_reviews(args: dict[str, Any], product: str) -> Response:
    """A product's published reviews and what they sum up to; with a token one's own review beside them."""
    reader = current_actor().id
    with reading() as session:
        return json_answer(orjson.dumps(reviews.review_page(session, product, args, reader)))


@blp.post("/products/<product>/reviews/")
@blp.requires("catalog.review.write")
@blp.arguments(ReviewCreateSchema)
@blp.response(201, ReviewSchema)
def create_review(args: dict[str, Any], product: str) -> Response:
    """Review a product, once."""
    author = current_actor().person_id
    with transaction() as session:
        body = reviews.create_review(session, product, author, args, settings(CatalogConfig))
    return created(body, f"/api/catalog/products/{body['product_id']}/reviews/{body['id']}/")


@blp.get("/products/<product>/reviews/<uuid:review_id>/")
@blp.public
@blp.conditional
@blp.response(200, ReviewSchema)
def get_review(product: str, review_id: UUID) -> Response:
    """A published review, or one's own."""
    actor = current_actor()
    with reading() as session:
        body = reviews.get_review(session, product, review_id, actor.id, sees_all=actor.can(MODERATE))
    return json_answer(orjson.dumps(body))


@blp.patch("/products/<product>/reviews/<uuid:review_id>/")
@blp.requires("catalog.review.write")
@blp.arguments(ReviewUpdateSchema)
@blp.response(200, ReviewSchema)
def update_review(args: dict[str, Any], product: str, review_id: UUID) -> Response:
    """Change one's own review."""
    return _changed(args, product, review_id)


@blp.put("/products/<product>/reviews/<uuid:review_id>/")
@blp.requires("catalog.review.write")
@blp.arguments(ReviewCreateSchema)
@blp.response(200, ReviewSchema)
def replace_review(args: dict[str, Any], product: str, review_id: UUID) -> Response:
    """Write one's own review anew; a title or body that is left out becomes empty."""
    return _changed(args, product, review_id)


@blp.delete("/products/<product>/reviews/<uuid:review_id>/")
@blp.requires("catalog.review.write")
@blp.response(204)
def delete_review(product: str, review_id: UUID) -> None:
    """Delete one's own review; staff may delete anybody's."""
    actor = current_actor()
    with transaction() as session:
        reviews.delete_review(session, product, review_id, actor.person_id, deletes_any=actor.can(MODERATE))


@blp.get("/reviews/")
@blp.requires(MODERATE)
@blp.arguments(ModerationQuery, location="query")
@blp.response(200, page_of(ModeratedReviewSchema))
def list_all_reviews(args: dict[str, Any]) -> Response:
    """Everybody's reviews in every state, the newest first."""
    with reading() as session:
        return json_answer(orjson.dumps(moderation.moderation_page(session, args)))


@blp.post("/reviews/<uuid:review_id>/approve/")
@blp.requires(MODERATE)
@blp.arguments(ApproveSchema)
@blp.response(200, ModeratedReviewSchema)
def approve_review(args: dict[str, Any], review_id: UUID) -> Response:
    """Publish a review."""
    return _decided(review_id, "approve", args["reason"])


@blp.post("/reviews/<uuid:review_id>/hide/")
@blp.requires(MODERATE)
@blp.arguments(HideSchema)
@blp.response(200, ModeratedReviewSchema)
def hide_review(args: dict[str, Any], review_id: UUID) -> Response:
    """Take a review out of sight; its author sees the reason."""
    return _decided(review_id, "hide", args["reason"])


def _changed(changes: dict[str, Any], product: str, review_id: UUID) -> Response:
    author = current_actor().person_id
    with transaction() as session:
        body = reviews.update_review(session, product, review_id, author, changes, settings(CatalogConfig))
    return json_answer(orjson.dumps(body))


def _decided(review_id: UUID, decision: str, reason: str) -> Response:
    actor = current_actor().person_id
    with transaction() as session:
        body = moderation.decide(session, review_id, decision, reason, actor)
    return json_answer(orjson.dumps(body))
