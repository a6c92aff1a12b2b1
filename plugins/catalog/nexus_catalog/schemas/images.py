"""What goes in and out of `/api/catalog/products/{product}/images/`."""

import marshmallow as ma
from marshmallow import fields

from nexus_kernel import File, Schema, Text
from nexus_kernel.media import PictureFileSchema

LONGEST_ORDER = 100


class ProductImageSizesSchema(Schema):
    """The sizes of a picture: at most 160, 480 and 1200 pixels on the long side, and never enlarged."""

    small = fields.Nested(PictureFileSchema, required=True)
    medium = fields.Nested(PictureFileSchema, required=True)
    large = fields.Nested(PictureFileSchema, required=True)


class LeadImageSchema(Schema):
    """The first picture of a product."""

    alt = fields.String(required=True)
    sizes = fields.Nested(ProductImageSizesSchema, required=True)


class ProductImageSchema(LeadImageSchema):
    """A picture of a product. Positions count from 0."""

    id = fields.UUID(required=True)
    position = fields.Integer(required=True)


class ProductImageCreateSchema(Schema):
    """A new picture: JPEG, PNG, WebP or GIF, and what it shows, in words."""

    image = File(required=True)
    alt = Text(300, load_default="")


class ProductImageUpdateSchema(Schema):
    """What changes; a position behind the last one is the last one."""

    alt = Text(300)
    position = fields.Integer(strict=True, validate=ma.validate.Range(0, LONGEST_ORDER))


class ProductImageOrderSchema(Schema):
    """The ids of all pictures of a product, in their order."""

    ids = fields.List(fields.UUID(), required=True, validate=ma.validate.Length(max=LONGEST_ORDER))
