"""Storing a batch of rows in one transaction, with statements for all of its rows at once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from nexus_catalog.importing.rows import ImportRow, Refusal
from nexus_catalog.models import Category, Product, Stock, Variant
from nexus_catalog.services.categories import create_category
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.editing import as_actor
from nexus_catalog.services.slugs import free_slugs, slugify
from nexus_catalog.services.stock import StockKeeper
from nexus_kernel import new_id, now, transaction

IMPORT_LOCK = 0x6E636174
"""Imports take turns, a batch at a time; the number is "ncat"."""
_ATTEMPTS = 5
Path = tuple[str, ...]


@dataclass
class Outcome:
    """What became of the rows of a batch."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refusals: list[Refusal] = field(default_factory=list)


class _DryRun(Exception):
    """Ends the transaction of a dry run without storing it."""


def store_batch(rows: Sequence[ImportRow], *, dry_run: bool, set_stock: bool) -> Outcome:
    """Create and change the products of these rows, whose SKUs are distinct.

    Tried again when somebody else's transaction came in between, which rolls all of the batch back.
    """
    return _with_retries(lambda: _store_once(rows, dry_run, set_stock))


def _store_once(rows: Sequence[ImportRow], dry_run: bool, set_stock: bool) -> Outcome:
    outcome = Outcome()
    try:
        with transaction() as session:
            session.execute(select(func.pg_advisory_xact_lock(IMPORT_LOCK)))
            _store(session, rows, set_stock, outcome)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return outcome


def _with_retries(store: Callable[[], Outcome]) -> Outcome:
    for attempt in range(1, _ATTEMPTS):
        try:
            return store()
        except (IntegrityError, OperationalError) as error:
            if getattr(error.orig, "sqlstate", None) not in {"23505", "40P01", "55P03"}:
                raise
            time.sleep(0.1 * attempt)
    return store()


def _store(session: Session, rows: Sequence[ImportRow], set_stock: bool, outcome: Outcome) -> None:
    category_ids = _category_ids(session, {row.category for row in rows if row.category})
    stored = _stored(session, [row.sku for row in rows])
    _create(session, [row for row in rows if row.sku not in stored], category_ids, outcome)
    known = []
    for row in rows:
        if row.sku in stored and not stored[row.sku].is_default:
            outcome.refusals.append(
                Refusal(row.line, row.sku, "the SKU is one of several variants of a product")
            )
        elif row.sku in stored:
            known.append(row)
    _change(session, known, stored, category_ids, set_stock, outcome)


def _stored(session: Session, skus: Sequence[str]) -> dict[str, Row[Any]]:
    statement = (
        select(
            Variant.sku,
            Variant.id,
            Variant.product_id,
            Variant.is_default,
            Variant.price_minor,
            Variant.currency,
            Product.title,
            Product.description,
            Product.category_id,
            (Stock.on_hand - Stock.reserved).label("available"),
        )
        .join(Product, Product.id == Variant.product_id)
        .join(Stock, Stock.variant_id == Variant.id)
        .where(Variant.sku.in_(skus))
    )
    return {row.sku: row for row in session.execute(statement)}


def _create(
    session: Session, rows: Sequence[ImportRow], category_ids: dict[Path, UUID], outcome: Outcome
) -> None:
    if not rows:
        return
    products = {row.sku: new_id() for row in rows}
    _insert_products(
        session,
        [
            {
                "id": products[row.sku],
                "title": row.title,
                "description": row.description,
                "category_id": category_ids.get(row.category),
            }
            for row in rows
        ],
    )
    variants = {row.sku: new_id() for row in rows}
    session.execute(
        insert(Variant),
        [
            {
                "id": variants[row.sku],
                "product_id": products[row.sku],
                "sku": row.sku,
                "price_minor": row.price.minor,
                "currency": row.price.currency,
                "is_default": True,
            }
            for row in rows
        ],
    )
    StockKeeper(session).open({variants[row.sku]: row.stock for row in rows}, "import")
    products_changed(products.values())
    outcome.created += len(rows)


def _insert_products(session: Session, products: list[dict[str, Any]]) -> None:
    """Insert all of these, each under a free slug, also when others take slugs at the same time."""
    statement = insert(Product).on_conflict_do_nothing().returning(Product.id)
    attempt = 0
    while products:
        bases = [slugify(product["title"], "product") for product in products]
        slugs = free_slugs(session, Product.slug, bases, random=attempt > 2)
        values = [product | {"slug": slug} for product, slug in zip(products, slugs, strict=True)]
        stored = set(session.scalars(statement, values))
        products = [product for product in products if product["id"] not in stored]
        attempt += 1


def _change(
    session: Session,
    rows: Sequence[ImportRow],
    stored: dict[str, Row[Any]],
    category_ids: dict[Path, UUID],
    set_stock: bool,
    outcome: Outcome,
) -> None:
    products, variants, quantities = [], [], {}
    changed: set[UUID] = set()
    for row in rows:
        old, category_id = stored[row.sku], category_ids.get(row.category)
        if (old.title, old.description, old.category_id) != (row.title, row.description, category_id):
            values = {"title": row.title, "description": row.description, "category_id": category_id}
            products.append({"id": old.product_id, **values})
            changed.add(old.product_id)
        if (old.price_minor, old.currency) != (row.price.minor, row.price.currency):
            variants.append({"id": old.id, "price_minor": row.price.minor, "currency": row.price.currency})
            changed.add(old.product_id)
        if set_stock and old.available != row.stock:
            quantities[old.id] = row.stock
            changed.add(old.product_id)
    touched = [{"id": product_id, "updated_at": now()} for product_id in sorted(changed)]
    if variants:
        as_actor(session)
    for model, values in ((Product, touched), (Product, products), (Variant, variants)):
        if values:
            session.execute(update(model), sorted(values, key=lambda value: value["id"]))
    if quantities:
        StockKeeper(session).set_available(quantities, "import")
    products_changed(changed)
    outcome.updated += len(changed)
    outcome.unchanged += len(rows) - len(changed)


def _category_ids(session: Session, paths: set[Path]) -> dict[Path, UUID]:
    """The ids of these paths; categories that are missing are created. Names are compared exactly."""
    wanted = {path[:depth] for path in paths for depth in range(1, len(path) + 1)}
    names = {path[-1] for path in wanted}
    rows = session.execute(
        select(Category.id, Category.parent_id, Category.name)
        .where(Category.name.in_(names))
        .order_by(Category.id.desc())
    )
    known = {(row.parent_id, row.name): row.id for row in rows}
    found: dict[Path, UUID] = {}
    for path in sorted(wanted, key=len):
        parent_id = found.get(path[:-1])
        found[path] = known.get((parent_id, path[-1])) or create_category(session, path[-1], parent_id)
    return found
