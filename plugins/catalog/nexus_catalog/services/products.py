"""Reading products: Core selects whose rows become JSON without a detour through objects."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Uuid, bindparam, select

from nexus_catalog.errors import ProductNotFound
from nexus_catalog.models import Product
from nexus_catalog.services import search
from nexus_catalog.services.changes import PRODUCTS
from nexus_catalog.services.filters import (
    AVAILABLE,
    CATEGORY,
    LISTING,
    PRODUCT,
    STOCK,
    VARIANT,
    keys,
    read_filters,
)
from nexus_catalog.services.image_columns import ALL_IMAGES, image_body, lead_image
from nexus_catalog.services.slugs import is_id
from nexus_kernel import CachedCount, Money, Pages, Reader, Window

COUNT = CachedCount("catalog:products:count", (PRODUCTS,))
SHOWN = (
    PRODUCT.c.id,
    PRODUCT.c.title,
    PRODUCT.c.slug,
    PRODUCT.c.description,
    PRODUCT.c.seller_id,
    PRODUCT.c.image,
    PRODUCT.c.rating_average,
    PRODUCT.c.rating_count,
    PRODUCT.c.created_at,
    PRODUCT.c.updated_at,
    CATEGORY.c.id.label("category_id"),
    CATEGORY.c.name.label("category_name"),
    CATEGORY.c.slug.label("category_slug"),
    VARIANT.c.id.label("variant_id"),
    VARIANT.c.sku,
    VARIANT.c.price_minor,
    VARIANT.c.currency,
    AVAILABLE.label("available"),
)
WHOLE = (
    select(
        *SHOWN,
        VARIANT.c.is_default,
        VARIANT.c.option_values,
        VARIANT.c.prior_price_minor,
        VARIANT.c.weight_grams,
        PRODUCT.c.options,
        ALL_IMAGES.label("images"),
    )
    .select_from(PRODUCT)
    .join(VARIANT, VARIANT.c.product_id == PRODUCT.c.id)
    .join(STOCK, STOCK.c.variant_id == VARIANT.c.id)
    .outerjoin(CATEGORY, CATEGORY.c.id == PRODUCT.c.category_id)
    .order_by(VARIANT.c.is_default.desc(), VARIANT.c.sku)
)
"""Every product, a row a variant, on sale or not."""
_ON_SALE = WHOLE.where(PRODUCT.c.is_active, VARIANT.c.is_active)
_BY_ID = _ON_SALE.where(PRODUCT.c.id == bindparam("key", type_=Uuid()))
_BY_SLUG = _ON_SALE.where(PRODUCT.c.slug == bindparam("key"))
_ORDERS: Mapping[str, tuple[ColumnElement[Any], ...]] = {
    "price": (LISTING.c.price_minor, LISTING.c.product_id),
    "title": (PRODUCT.c.title, PRODUCT.c.id),
    "created_at": (LISTING.c.created_at, LISTING.c.product_id),
    "updated_at": (LISTING.c.updated_at, LISTING.c.product_id),
    "rating": (LISTING.c.rating_average, LISTING.c.product_id),
}
SORTS = (*_ORDERS, *(f"-{name}" for name in _ORDERS))


def product_page(session: Reader, args: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """One page of the products on sale that pass the filters of `args`. One query, and one for the count.

    The order is `sort`; without it the newest come first, or with `q` the best matches.
    """
    filters = read_filters(args, currency)
    sort = args.get("sort") or ("relevance" if "q" in filters else "-created_at")
    pages = _pages(frozenset(filters), sort)
    return pages.page(session, args, present_summary, values={**filters, "currency": currency}, count=COUNT)


def product_detail(session: Reader, key: str) -> dict[str, Any]:
    """A product with its pictures, options and variants, by id or slug. One query. Raises ProductNotFound."""
    statement, value = (_BY_ID, UUID(key)) if is_id(key) else (_BY_SLUG, _slug(key))
    return present_whole(session.execute(statement, {"key": value}).all())


@lru_cache(maxsize=256)
def _pages(names: frozenset[str], sort: str) -> Pages:
    """The list with these filters in this order: its statements are built once."""
    order = search.BY_RELEVANCE if sort == "relevance" else _ORDERS[sort.removeprefix("-")]
    listed = keys(names, with_title=sort.removeprefix("-") == "title")
    text = "q" in names
    counted = search.found(listed, order) if text else keys(names)

    def rows(window: Window) -> Select[Any]:
        return _shown(window, search.page(window, listed, order) if text else window.of(listed), text)

    return Pages(rows, counted=counted, order=order, descending=sort == "relevance" or sort.startswith("-"))


def _shown(window: Window, listed: Select[Any], counted: bool) -> Select[Any]:
    """What a shop window shows of the listings of a page."""
    page = listed.subquery("page")
    totals = (page.c.total, page.c.total_exact) if counted else ()
    return (
        select(*SHOWN, *window.keys(page), *totals)
        .select_from(page)
        .join(PRODUCT, PRODUCT.c.id == page.c.product_id)
        .join(VARIANT, VARIANT.c.id == page.c.variant_id)
        .join(STOCK, STOCK.c.variant_id == page.c.variant_id)
        .outerjoin(CATEGORY, CATEGORY.c.id == PRODUCT.c.category_id)
        .order_by(*window.sort(page))
    )


def by_key(key: str) -> ColumnElement[bool]:
    """The condition for a product's id or slug. Raises ProductNotFound for text that can be neither."""
    if is_id(key):
        return Product.id == UUID(key)
    return Product.slug == _slug(key)


def _slug(key: str) -> str:
    if not key.isprintable():
        raise ProductNotFound("No product on sale has this id or slug.")
    return key


def present_whole(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """A product's rows of `WHOLE` as its JSON. Raises ProductNotFound when there are none."""
    if not rows:
        raise ProductNotFound("No product on sale has this id or slug.")
    return present_summary(rows[0]) | {
        "images": [image_body(image) for image in rows[0].images],
        "options": rows[0].options,
        "variants": [present_variant(row) for row in rows],
    }


def present_summary(row: Row[Any]) -> dict[str, Any]:
    """A row that begins with the columns `SHOWN` as its JSON."""
    (
        product_id, title, slug, description, seller_id, image, average, ratings, created_at, updated_at,
        category_id, category_name, category_slug, _, sku, price_minor, currency, available,
    ) = row[: len(SHOWN)]  # fmt: skip
    return {
        "id": product_id,
        "title": title,
        "slug": slug,
        "description": description,
        "category": category_id and {"id": category_id, "name": category_name, "slug": category_slug},
        "seller_id": seller_id,
        "price": str(Money(price_minor, currency)),
        "currency": currency,
        "sku": sku,
        "stock_quantity": available,
        "in_stock": available > 0,
        "image": lead_image(image),
        "rating_average": float(average) if ratings else None,
        "rating_count": ratings,
        "created_at": created_at,
        "updated_at": updated_at,
    }


def present_variant(row: Row[Any]) -> dict[str, Any]:
    """A row with a variant's columns as its JSON."""
    prior = row.prior_price_minor
    return {
        "id": row.variant_id,
        "price": str(Money(row.price_minor, row.currency)),
        "currency": row.currency,
        "sku": row.sku,
        "stock_quantity": row.available,
        "in_stock": row.available > 0,
        "prior_price": None if prior is None else str(Money(prior, row.currency)),
        "is_default": row.is_default,
        "option_values": row.option_values,
        "weight_grams": row.weight_grams,
    }
