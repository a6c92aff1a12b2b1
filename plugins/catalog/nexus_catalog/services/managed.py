"""Products as those who may change them read them, retired ones too."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, literal_column, or_, select
from sqlalchemy.orm import Session

from nexus_catalog.services.filters import (
    CATEGORY,
    PRODUCT,
    STOCK,
    conditions,
    read_filters,
)
from nexus_catalog.services.ownership import changeable_by
from nexus_catalog.services.products import (
    SHOWN,
    VARIANT,
    WHOLE,
    by_key,
    present_summary,
    present_whole,
)
from nexus_catalog.services.search import QUERY
from nexus_kernel import Actor, Pages

_WORDS = func.to_tsvector(literal_column("'simple'::regconfig"), func.catalog_fold(PRODUCT.c.title))
_SKU = func.lower(VARIANT.c.sku) == func.lower(bindparam("q"))
_CONDITIONS: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    **conditions(
        SimpleNamespace(
            price_minor=VARIANT.c.price_minor,
            currency=VARIANT.c.currency,
            rating_average=PRODUCT.c.rating_average,
            seller_id=PRODUCT.c.seller_id,
            category_id=PRODUCT.c.category_id,
        )
    ),
    "q": (or_(_WORDS.op("@@")(QUERY), _SKU),),
    "is_active": (PRODUCT.c.is_active == bindparam("is_active"),),
}
_ORDERS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "price": (VARIANT.c.price_minor, PRODUCT.c.id),
    "title": (PRODUCT.c.title, PRODUCT.c.id),
    "created_at": (PRODUCT.c.created_at, PRODUCT.c.id),
    "updated_at": (PRODUCT.c.updated_at, PRODUCT.c.id),
    "rating": (PRODUCT.c.rating_average, PRODUCT.c.id),
}
_LISTED = (
    select(*SHOWN, PRODUCT.c.is_active)
    .select_from(PRODUCT)
    .join(VARIANT, VARIANT.c.product_id == PRODUCT.c.id)
    .join(STOCK, STOCK.c.variant_id == VARIANT.c.id)
    .outerjoin(CATEGORY, CATEGORY.c.id == PRODUCT.c.category_id)
    .where(VARIANT.c.is_default)
)


def managed_page(session: Session, args: Mapping[str, Any], currency: str, actor: Actor) -> dict[str, Any]:
    """One page of the products that the actor may change, the newest first unless `sort` says otherwise.

    `q` finds words of titles, and a whole SKU. `is_active` asks for those on sale or for retired ones only.
    One query.
    """
    values = read_filters(args, currency)
    if "is_active" in args:
        values["is_active"] = args["is_active"]
    sort = args.get("sort", "-created_at")
    wanted = dict.fromkeys(condition for name in sorted(values) for condition in _CONDITIONS[name])
    statement = _LISTED.where(changeable_by(actor), *wanted)
    pages = Pages(
        lambda window: window.of(statement),
        counted=statement,
        order=_ORDERS[sort.removeprefix("-")],
        descending=sort.startswith("-"),
    )
    return pages.page(session, args, _managed, values={**values, "currency": currency})


def managed_detail(session: Session, key: str, actor: Actor) -> dict[str, Any]:
    """As `product_detail`, of a product that the actor may change, with what is retired. One query."""
    retired = (PRODUCT.c.is_active.label("is_on_sale"), VARIANT.c.is_active)
    rows = session.execute(WHOLE.add_columns(*retired).where(by_key(key), changeable_by(actor))).all()
    body = present_whole(rows)
    for variant, row in zip(body["variants"], rows, strict=True):
        variant["is_active"] = row.is_active
    return body | {"is_active": rows[0].is_on_sale}


def _managed(row: Row[Any]) -> dict[str, Any]:
    return present_summary(row) | {"is_active": row.is_active}
