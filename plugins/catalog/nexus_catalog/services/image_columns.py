"""What reads of products show of their pictures, as columns: they cost no further query.

Lists read the column `image`, which is kept on the product: a subquery would be worked out for every row that
a numbered page skips.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from nexus_catalog.models import Product, ProductImage
from nexus_kernel import media

_PRODUCT: FromClause = Product.__table__
_IMAGE: FromClause = ProductImage.__table__


def _object(*names: str) -> ColumnElement[Any]:
    pairs = [part for name in names for part in (literal_column(f"'{name}'"), _IMAGE.c[name])]
    return func.jsonb_build_object(*pairs, type_=JSONB)


_OF_PRODUCT = _IMAGE.c.product_id == _PRODUCT.c.id
_IN_ORDER = aggregate_order_by(_object("id", "position", "alt", "sizes"), _IMAGE.c.position)

LEAD_IMAGE: ColumnElement[Any] = (
    select(_object("alt", "sizes"))
    .where(_OF_PRODUCT)
    .order_by(_IMAGE.c.position)
    .limit(1)
    .correlate(_PRODUCT)
    .scalar_subquery()
)
"""The first picture of a product, to be kept on it in `image`; NULL without one."""
ALL_IMAGES: ColumnElement[Any] = (
    select(func.coalesce(func.jsonb_agg(_IN_ORDER, type_=JSONB), literal_column("'[]'::jsonb")))
    .where(_OF_PRODUCT)
    .correlate(_PRODUCT)
    .scalar_subquery()
)
"""Every picture of a product in order, each for `image_body`: a column for reads of one product."""


def lead_image(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The column `image` as clients see it."""
    return stored and {"alt": stored["alt"], "sizes": media.picture_urls(stored["sizes"])}


def image_body(stored: Mapping[str, Any]) -> dict[str, Any]:
    """One of a product's pictures as clients see it."""
    return {**stored, "sizes": media.picture_urls(stored["sizes"])}
