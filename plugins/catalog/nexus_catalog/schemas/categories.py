"""What goes in and out of `/api/catalog/categories/`."""

from marshmallow import fields

from nexus_kernel import PageQuery, QuerySchema, Schema, Text


class CategoryQuery(PageQuery):
    """The parameters of the list of categories."""

    include_children = fields.Boolean(
        load_default=False, metadata={"description": "Only roots, each with its tree in `children`."}
    )


class CategoryCreateSchema(Schema):
    """A new category; without a parent it is a root, without a slug it is given one."""

    name = Text(100, minimum=1, required=True)
    slug = Text(100, minimum=1)
    parent_id = fields.UUID(allow_none=True, load_default=None)


class CategoryUpdateSchema(Schema):
    """What changes; whatever is left out stays, the slug too."""

    name = Text(100, minimum=1)
    slug = Text(100, minimum=1)
    parent_id = fields.UUID(allow_none=True)


class CategoryReplaceSchema(CategoryUpdateSchema):
    """The whole category: without a parent it becomes a root. The slug stays where it is left out."""

    name = Text(100, minimum=1, required=True)
    parent_id = fields.UUID(allow_none=True, load_default=None)


class CategoryDeleteQuery(QuerySchema):
    """What becomes of the content of a category that is deleted."""

    move_to = fields.UUID(metadata={"description": "The category that children and products go to."})


class CategoryLinkSchema(Schema):
    """A step of the way to a category."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)


class CategorySchema(Schema):
    """A category. By itself it has its ancestors, the root first, and its children."""

    id = fields.UUID(required=True)
    parent_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    updated_at = fields.AwareDateTime(required=True)
    path = fields.List(fields.Nested(CategoryLinkSchema))
    children = fields.List(fields.Nested(lambda: CategorySchema()))
