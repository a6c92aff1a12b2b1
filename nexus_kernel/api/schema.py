"""The two bases of every schema."""

import marshmallow as ma


class Schema(ma.Schema):
    """A body. Unknown fields are refused; fields keep the order of their declaration.

    The component's name in the OpenAPI document is the owner's name and the class's name without `Schema`.
    """

    class Meta:
        unknown = ma.RAISE


class QuerySchema(ma.Schema):
    """Query parameters. Unknown ones are ignored, so that a link with a tracking parameter still works."""

    class Meta:
        unknown = ma.EXCLUDE
