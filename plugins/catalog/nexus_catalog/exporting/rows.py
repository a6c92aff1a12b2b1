"""Reading every product, a page at a time in the order of creation: no snapshot is held, no page grows.

A page is one transaction's view of its products; a product that is created while the export runs comes last.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from nexus_catalog.errors import CategoryNotFound
from nexus_catalog.importing.cells import path_text
from nexus_catalog.models import Category, ImageSource, Product, ProductImage, Stock, Variant
from nexus_catalog.services.filters import category_ids
from nexus_kernel import Money, reading

PAGE = 500
"""Products a query."""
COLUMNS = (
    "sku",
    "title",
    "description",
    "category",
    "price",
    "stock",
    "currency",
    "slug",
    "seller",
    "product",
    "options",
    "images",
    "image_alt",
    "weight_grams",
)

_VARIANTS = (
    select(
        Product.id,
        Product.title,
        Product.slug,
        Product.description,
        Product.category_id,
        Product.seller_id,
        Product.is_active,
        Product.options,
        Variant.sku,
        Variant.price_minor,
        Variant.currency,
        Variant.option_values,
        Variant.weight_grams,
        Variant.is_default,
        Variant.is_active.label("is_on_sale"),
        (Stock.on_hand - Stock.reserved).label("available"),
    )
    .join(Variant, Variant.product_id == Product.id)
    .join(Stock, Stock.variant_id == Variant.id)
    .order_by(Product.id, Variant.is_default.desc(), Variant.id)
)


def exported_rows(category: str | None, include_retired: bool) -> Iterator[dict[str, Any]]:
    """A row each variant, by column. Raises CategoryNotFound at once for an unknown category."""
    where = [] if include_retired else [Product.is_active]
    with reading() as session:
        paths = _paths(session)
        if category is not None:
            where.append(Product.category_id.in_(_known_category(session, category)))
    return _all_rows(where, paths, include_retired)


def _all_rows(
    where: Sequence[ColumnElement[bool]], paths: Mapping[UUID, str], include_retired: bool
) -> Iterator[dict[str, Any]]:
    last: UUID | None = None
    variants = _VARIANTS if include_retired else _VARIANTS.where(Variant.is_active)
    while True:
        with reading() as session:
            rows = session.execute(variants.where(Product.id.in_(_page(where, last)))).all()
            images = _images(session, {row.id for row in rows})
        if not rows:
            return
        last = rows[-1].id
        yield from _page_rows(rows, paths, images, include_retired)


def _page(where: Sequence[ColumnElement[bool]], last: UUID | None) -> Select[tuple[UUID]]:
    ids = select(Product.id).where(*where).order_by(Product.id).limit(PAGE)
    return ids if last is None else ids.where(Product.id > last)


def _page_rows(
    rows: Sequence[Row[Any]],
    paths: Mapping[UUID, str],
    images: Mapping[UUID, Sequence[Row[Any]]],
    include_retired: bool,
) -> Iterator[dict[str, Any]]:
    variants: dict[UUID, int] = defaultdict(int)
    for row in rows:
        variants[row.id] += 1
    for row in rows:
        values = _values(row, paths, images.get(row.id, ()), variants[row.id] > 1)
        active = row.is_active if row.is_default else row.is_on_sale
        yield values | ({"active": "true" if active else "false"} if include_retired else {})


def _values(
    row: Row[Any], paths: Mapping[UUID, str], images: Sequence[Row[Any]], has_variants: bool
) -> dict[str, Any]:
    return {
        "sku": row.sku,
        "title": row.title,
        "description": row.description,
        "category": paths.get(row.category_id, ""),
        "price": str(Money(row.price_minor, row.currency)),
        "stock": row.available,
        "currency": row.currency,
        "slug": row.slug,
        "seller": str(row.seller_id or ""),
        "product": row.slug if has_variants else "",
        "options": _in_order(row),
        "images": [image.source for image in images],
        "image_alt": [image.alt for image in images],
        "weight_grams": row.weight_grams,
    }


def _in_order(row: Row[Any]) -> dict[str, str]:
    """The values of a variant in the order of its product's options; a retired one may have others."""
    names = [option["name"] for option in row.options if option["name"] in row.option_values]
    return {name: row.option_values[name] for name in dict.fromkeys([*names, *sorted(row.option_values)])}


def _images(session: Session, ids: set[UUID]) -> dict[UUID, list[Row[Any]]]:
    """The pictures that were imported, by product in their order, to be read again from where they came."""
    found: dict[UUID, list[Row[Any]]] = defaultdict(list)
    statement = (
        select(ImageSource.product_id, ImageSource.source, ProductImage.alt)
        .join(ProductImage, ProductImage.id == ImageSource.image_id)
        .where(ImageSource.product_id.in_(ids))
        .order_by(ProductImage.position, ImageSource.id)
    )
    for row in session.execute(statement) if ids else ():
        found[row.product_id].append(row)
    return found


def _paths(session: Session) -> dict[UUID, str]:
    known = {row.id: row for row in session.execute(select(Category.id, Category.parent_id, Category.name))}

    def names(category_id: UUID | None) -> tuple[str, ...]:
        row = known.get(category_id) if category_id else None
        return (*names(row.parent_id), row.name) if row else ()

    return {category_id: path_text(names(category_id)) for category_id in known}


def _known_category(session: Session, category: str) -> list[UUID]:
    ids = category_ids(session, category)
    if not ids:
        raise CategoryNotFound("No category has this id or slug.")
    return ids


def export_columns(include_retired: bool) -> tuple[str, ...]:
    """The columns of an export; where retired products are among the others, one says which."""
    return (*COLUMNS, "active") if include_retired else COLUMNS
