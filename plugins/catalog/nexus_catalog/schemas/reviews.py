"""What goes in and out of the routes of reviews."""

from typing import Any

import marshmallow as ma
from marshmallow import fields

from nexus_catalog.models import REVIEW_STATES, STARS
from nexus_catalog.services.reviews import SORTS
from nexus_kernel import PageQuery, Schema, Text, page_of


def _stars(**options: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=ma.validate.Range(STARS[0], STARS[-1]), **options)


class ReviewQuery(PageQuery):
    """The filters and orders of a product's reviews."""

    rating = fields.Integer(validate=ma.validate.Range(STARS[0], STARS[-1]))
    verified = fields.Boolean(metadata={"description": "Only those of buyers, or only those of others."})
    sort = fields.String(validate=ma.validate.OneOf(SORTS), load_default="-created_at")


class ModerationQuery(PageQuery):
    """The filters of everybody's reviews, for staff."""

    state = fields.String(validate=ma.validate.OneOf(REVIEW_STATES))
    product = Text(100, minimum=1, metadata={"description": "Id or slug, of retired products too."})
    rating = fields.Integer(validate=ma.validate.Range(STARS[0], STARS[-1]))


class ReviewCreateSchema(Schema):
    """A review; also what PUT replaces one with."""

    rating = _stars(required=True)
    title = Text(200, load_default="")
    body = Text(5000, multiline=True, load_default="")


class ReviewUpdateSchema(Schema):
    """What changes; whatever is left out stays."""

    rating = _stars()
    title = Text(200)
    body = Text(5000, multiline=True)


class ReviewSchema(Schema):
    """A review. Everybody sees the published ones, authors and staff the others too.

    `body` is plain text, whatever it looks like. `moderation_reason` says why it is hidden.
    """

    id = fields.UUID(required=True)
    product_id = fields.UUID(required=True)
    rating = fields.Integer(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    author_name = fields.String(required=True, allow_none=True)
    is_verified_purchase = fields.Boolean(required=True)
    state = fields.String(required=True, validate=ma.validate.OneOf(REVIEW_STATES))
    moderation_reason = fields.String(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)


class ReviewPageSchema(page_of(ReviewSchema)):  # type: ignore[misc]
    """A page of a product's published reviews, with what they sum up to, and the caller's own review."""

    rating_average = fields.Float(
        required=True, allow_none=True, metadata={"description": "1 to 5; null without reviews."}
    )
    rating_count = fields.Integer(required=True)
    rating_distribution = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Number of reviews by stars, `1` to `5`."},
    )
    own = fields.Nested(
        ReviewSchema,
        required=True,
        allow_none=True,
        metadata={"description": "The caller's review, in whatever state; null when there is none."},
    )


class ModeratedReviewSchema(ReviewSchema):
    """A review as staff see it; the person is null once they were erased."""

    author_id = fields.UUID(required=True, allow_none=True)
    moderated_by = fields.UUID(required=True, allow_none=True)
    moderated_at = fields.AwareDateTime(required=True, allow_none=True)


class ApproveSchema(Schema):
    """A remark, or nothing."""

    reason = Text(500, load_default="")


class HideSchema(Schema):
    """Why; the author sees it."""

    reason = Text(500, minimum=1, required=True)
