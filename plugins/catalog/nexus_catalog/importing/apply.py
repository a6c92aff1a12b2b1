"""Storing a plan: a fixed number of statements for all of its rows, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, Boolean, String, TextClause, Uuid, bindparam, text
from sqlalchemy.orm import Session

from nexus_catalog.importing.plan import KnownProduct, NewProduct, Plan
from nexus_catalog.importing.rows import ImportRow
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.editing import as_actor
from nexus_catalog.services.stock import StockKeeper
from nexus_kernel import new_id

_KINDS: dict[str, Any] = {"uuid": Uuid, "text": String, "bigint": BigInteger, "boolean": Boolean}


def _statement(sql: str, **columns: str) -> TextClause:
    """The statement with `{lines}` replaced by a table of these columns, each an array parameter."""
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    lines = f"unnest({arrays}) AS line ({', '.join(columns)})"
    parameters = [bindparam(name, type_=ARRAY(_KINDS[kind])) for name, kind in columns.items()]
    return text(sql.format(lines=lines)).bindparams(*parameters)


_PRODUCT = {
    "id": "uuid", "title": "text", "description": "text", "category_id": "uuid", "seller_id": "uuid",
}  # fmt: skip
_VARIANT = {"id": "uuid", "price_minor": "bigint", "currency": "text", "weight_grams": "bigint"}

_INSERT_PRODUCTS = _statement(
    """
    INSERT INTO catalog_product (id, title, description, category_id, seller_id, slug, is_active, options)
    SELECT id, title, description, category_id, seller_id, slug, is_active, CAST(options AS jsonb)
    FROM {lines} ORDER BY id
    """,
    **_PRODUCT,
    slug="text",
    is_active="boolean",
    options="text",
)
_INSERT_VARIANTS = _statement(
    """
    INSERT INTO catalog_variant
        (id, price_minor, currency, weight_grams, option_values, product_id, sku, is_default, is_active)
    SELECT id, price_minor, currency, coalesce(weight_grams, 0), CAST(option_values AS jsonb), product_id,
           sku, is_default, is_active
    FROM {lines} ORDER BY id
    """,
    **_VARIANT,
    option_values="text",
    product_id="uuid",
    sku="text",
    is_default="boolean",
    is_active="boolean",
)
_UPDATE_PRODUCTS = _statement(
    """
    UPDATE catalog_product p
    SET title = line.title, description = line.description, category_id = line.category_id,
        seller_id = CASE WHEN line.sets_seller THEN line.seller_id ELSE p.seller_id END,
        options = coalesce(CAST(line.options AS jsonb), p.options), updated_at = now()
    FROM {lines} WHERE p.id = line.id
    """,
    **_PRODUCT,
    sets_seller="boolean",
    options="text",
)
_TOUCH_PRODUCTS = _statement(
    """
    UPDATE catalog_product p
    SET options = coalesce(CAST(line.options AS jsonb), p.options), updated_at = now()
    FROM {lines} WHERE p.id = line.id
    """,
    id="uuid",
    options="text",
)
_PARK_VARIANTS = _statement(
    """
    UPDATE catalog_variant v SET option_values = jsonb_build_object('', v.id)
    FROM {lines} WHERE v.id = line.id
    """,
    id="uuid",
)
_UPDATE_VARIANTS = _statement(
    """
    UPDATE catalog_variant v
    SET price_minor = line.price_minor, currency = line.currency, updated_at = now(),
        weight_grams = coalesce(line.weight_grams, v.weight_grams),
        option_values = coalesce(CAST(line.option_values AS jsonb), v.option_values)
    FROM {lines} WHERE v.id = line.id
    """,
    **_VARIANT,
    option_values="text",
)


def apply_plan(session: Session, plan: Plan) -> dict[int, UUID]:
    """Store what the plan says and tell of it; the id of each new product by the line of its first row.

    The products that it changes are locked already.
    """
    products = {new.product.head.line: new_id() for new in plan.created}
    changed = plan.changed
    # First out of each other's way: two variants may swap what they differ in.
    _run(session, _PARK_VARIANTS, ("id",), [(id,) for known in changed for id in known.moved])
    _insert_products(session, plan, products)
    _insert_variants(session, plan.created, changed, products)
    _update_products(session, plan, changed)
    _update_variants(session, changed)
    products_changed([*products.values(), *(known.id for known in changed)])
    return products


def _insert_products(session: Session, plan: Plan, products: dict[int, UUID]) -> None:
    lines = []
    for new in plan.created:
        head = new.product.head
        values = _product_line(products[head.line], head, plan.paths.id_of(session, head.category))
        lines.append((*values, new.slug, head.active, _json(new.options)))
    _run(session, _INSERT_PRODUCTS, (*_PRODUCT, "slug", "is_active", "options"), lines)


def _insert_variants(
    session: Session, fresh: Sequence[NewProduct], changed: Sequence[KnownProduct], products: dict[int, UUID]
) -> None:
    """The first variant of a new product is its default, which is on sale whenever the product is."""
    variants: list[tuple[ImportRow, UUID, UUID, bool]] = [
        (row, new_id(), products[new.product.head.line], row is new.product.head)
        for new in fresh
        for row in new.product.rows
    ]
    variants += [(row, new_id(), known.id, False) for known in changed for row in known.created]
    lines = [
        (*_variant_line(id, row), _options(row) or "{}", product_id, row.sku, default, default or row.active)
        for row, id, product_id, default in variants
    ]
    names = (*_VARIANT, "option_values", "product_id", "sku", "is_default", "is_active")
    _run(session, _INSERT_VARIANTS, names, lines)
    if variants:
        StockKeeper(session).open({id: row.stock for row, id, *_ in variants}, "import")


def _update_products(session: Session, plan: Plan, changed: Sequence[KnownProduct]) -> None:
    lines = []
    for known in changed:
        head, category_id = known.product.head, known.category_id
        if not known.changes_product:
            continue
        if not plan.paths.is_at(category_id, head.category):
            category_id = plan.paths.id_of(session, head.category)
        values = _product_line(known.id, head, category_id)
        lines.append((*values, head.seller is not None, _json(known.options)))
    _run(session, _UPDATE_PRODUCTS, (*_PRODUCT, "sets_seller", "options"), lines)
    touched = [(known.id, _json(known.options)) for known in changed if not known.changes_product]
    _run(session, _TOUCH_PRODUCTS, ("id", "options"), touched)


def _update_variants(session: Session, changed: Sequence[KnownProduct]) -> None:
    variants = sorted(((id, row) for known in changed for row, id in known.changed), key=lambda one: one[0])
    if variants:
        as_actor(session)
        lines = [(*_variant_line(id, row), _options(row)) for id, row in variants]
        _run(session, _UPDATE_VARIANTS, (*_VARIANT, "option_values"), lines)
    quantities = {id: row.stock for known in changed for row, id in known.restocked}
    if quantities:
        StockKeeper(session).set_available(quantities, "import")


def _product_line(product_id: UUID, row: ImportRow, category_id: UUID | None) -> tuple[Any, ...]:
    return product_id, row.title, row.description, category_id, UUID(row.seller) if row.seller else None


def _variant_line(variant_id: UUID, row: ImportRow) -> tuple[Any, ...]:
    return variant_id, row.price.minor, row.price.currency, row.weight_grams


def _options(row: ImportRow) -> str | None:
    """The options as they are stored; None leaves those of a known variant alone."""
    return None if row.options is None else _json(dict(row.options))


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _run(
    session: Session, statement: TextClause, names: Sequence[str], lines: Sequence[tuple[Any, ...]]
) -> None:
    if lines:
        session.execute(statement, dict(zip(names, map(list, zip(*lines, strict=True)), strict=True)))
