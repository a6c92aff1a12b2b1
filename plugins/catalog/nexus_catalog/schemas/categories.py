"""What goes in and out of `/api/catalog/categories/`."""

from marshmallow import fields

from nexus_kernel import PageQuery, Schema, Text


class CategoryQuery(PageQuery):
    """The parameters of the list of categories."""

    include_children = fields.Boolean(
        load_default=False, metadata={"description": "Only roots, each with its tree in `children`."}
    )


class CategoryCreateSchema(Schema):
    """A new category; without a parent it is a root."""

    name = Text(100, minimum=1, required=True)
    parent_id = fields.UUID(allow_none=True, load_default=None)


class CategorySchema(Schema):
    """A category. `children` are there when they were asked for."""

    id = fields.UUID(required=True)
    parent_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    children = fields.List(fields.Nested(lambda: CategorySchema()))
