"""What a batch would change: compared with what is stored, without writing. A dry run ends here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, String, Uuid, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from nexus_catalog.importing.paths import CategoryPaths
from nexus_catalog.importing.products import MOST_VARIANTS, ImportProduct, check_options
from nexus_catalog.importing.rows import ImportRow, Refusal, refusal
from nexus_catalog.importing.seen import Seen
from nexus_catalog.models import Product, Stock, Variant
from nexus_catalog.services.slugs import numbered, random_slug, slugify

_VARIANTS = (
    select(
        Variant.sku,
        Variant.id,
        Variant.product_id,
        Variant.is_default,
        Variant.price_minor,
        Variant.currency,
        Variant.option_values,
        Product.title,
        Product.slug,
        Product.description,
        Product.category_id,
        Product.seller_id,
        (Stock.on_hand - Stock.reserved).label("available"),
    )
    .join(Product, Product.id == Variant.product_id)
    .join(Stock, Stock.variant_id == Variant.id)
    .where(Variant.sku == bindparam("skus", type_=ARRAY(String)).any_())  # type: ignore[attr-defined]
)
_SIBLINGS = select(Variant.product_id, Variant.sku, Variant.option_values).where(
    Variant.product_id == bindparam("ids", type_=ARRAY(Uuid)).any_()  # type: ignore[attr-defined]
)
_SLUGS = select(Product.slug).where(
    Product.slug == bindparam("slugs", type_=ARRAY(String)).any_()  # type: ignore[attr-defined]
)


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to create, under a slug that is free."""

    product: ImportProduct
    slug: str


@dataclass(slots=True)
class KnownProduct:
    """A stored product: its new variants, and which of the rows change their variant or its stock."""

    product: ImportProduct
    id: UUID
    category_id: UUID | None
    changes_product: bool
    created: list[ImportRow] = field(default_factory=list)
    changed: list[tuple[ImportRow, UUID]] = field(default_factory=list)
    restocked: list[tuple[ImportRow, UUID]] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """False when everything is as the file says."""
        return self.changes_product or bool(self.created or self.changed or self.restocked)


@dataclass(slots=True)
class Plan:
    """What to do for a batch."""

    paths: CategoryPaths
    created: list[NewProduct] = field(default_factory=list)
    known: list[KnownProduct] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, product: ImportProduct, reason: str) -> None:
        """Refuse all rows of a product."""
        self.refusals += [refusal(row.record, reason) for row in product.rows]


def make_plan(session: Session, products: Sequence[ImportProduct], seen: Seen, set_stock: bool) -> Plan:
    """The plan for these products, in a fixed number of queries. Notes slugs and products in `seen`."""
    stored = _stored(session, products)
    plan = Plan(CategoryPaths(session, {product.head.category for product in products}))
    siblings = _siblings(session, products, stored)
    fresh = []
    for product in products:
        found = {row.sku: stored[row.sku] for row in product.rows if row.sku in stored}
        try:
            _check(product, found, siblings, seen)
        except ValueError as error:
            plan.refuse(product, str(error))
            continue
        if found:
            plan.known.append(_compared(product, found, plan.paths, set_stock))
        else:
            fresh.append(product)
    _name(session, fresh, seen, plan)
    return plan


def _stored(session: Session, products: Iterable[ImportProduct]) -> dict[str, Row[Any]]:
    skus = [row.sku for product in products for row in product.rows]
    return {row.sku: row for row in session.execute(_VARIANTS, {"skus": skus})}


def _siblings(
    session: Session, products: Iterable[ImportProduct], stored: dict[str, Row[Any]]
) -> dict[UUID, dict[str, Any]]:
    """The options of every variant of the stored products that the batch calls products with variants."""
    keyed = [row.sku for product in products if product.is_keyed for row in product.rows]
    ids = {stored[sku].product_id for sku in keyed if sku in stored}
    found: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for row in session.execute(_SIBLINGS, {"ids": sorted(ids)}) if ids else ():
        found[row.product_id][row.sku] = row.option_values
    return found


def _check(
    product: ImportProduct,
    found: dict[str, Row[Any]],
    siblings: dict[UUID, dict[str, Any]],
    seen: Seen,
) -> None:
    """Raises ValueError for a product that contradicts what is stored, or an earlier line."""
    if not found:
        check_options(product.rows, ())
        return
    ids = {row.product_id for row in found.values()}
    if len(ids) > 1:
        raise ValueError("the SKUs belong to different products")
    (product_id,) = ids
    one = next(iter(found.values()))
    if not product.is_keyed and not one.is_default:
        raise ValueError("the SKU is one of several variants of a product")
    if product.head.slug and product.head.slug != one.slug:
        raise ValueError(f"the slug of a known product stays, so that links hold; it is {one.slug}")
    if product.is_keyed:
        _check_variants(product, found, siblings[product_id])
    earlier = seen.note("known", str(product_id), product.head.line)
    if earlier:
        raise ValueError(f"its product came already on line {earlier}")


def _check_variants(
    product: ImportProduct, found: dict[str, Row[Any]], siblings: dict[str, dict[str, Any]]
) -> None:
    others = {sku: options for sku, options in siblings.items() if sku not in found}
    if len(others) + len(product.rows) > MOST_VARIANTS:
        raise ValueError(f"a product has at most {MOST_VARIANTS} variants")
    silent = [row.sku for row in product.rows if row.options is None and row.sku in found]
    given = [row for row in product.rows if row.sku not in silent]
    if given:
        check_options(given, [*others.values(), *(siblings[sku] for sku in silent)])


def _compared(
    product: ImportProduct, found: dict[str, Row[Any]], paths: CategoryPaths, set_stock: bool
) -> KnownProduct:
    head, old = product.head, next(iter(found.values()))
    same = (
        (old.title, old.description) == (head.title, head.description)
        and paths.is_at(old.category_id, head.category)
        and (head.seller is None or head.seller == str(old.seller_id or ""))
    )
    known = KnownProduct(product, old.product_id, old.category_id, changes_product=not same)
    for row in product.rows:
        if row.sku not in found:
            known.created.append(row)
            continue
        variant = found[row.sku]
        options = variant.option_values if row.options is None else row.options
        if (variant.price_minor, variant.currency, variant.option_values) != (
            row.price.minor,
            row.price.currency,
            options,
        ):
            known.changed.append((row, variant.id))
        if set_stock and variant.available != row.stock:
            known.restocked.append((row, variant.id))
    return known


def _name(session: Session, products: Sequence[ImportProduct], seen: Seen, plan: Plan) -> None:
    """Give new products their slugs, in two queries at most; refuse those whose own slug is taken."""
    wanted = [product.head.slug or slugify(product.head.title, "product") for product in products]
    often = {slug for slug, count in Counter(wanted).items() if count > 1}
    taken = set(session.scalars(_SLUGS, {"slugs": sorted(set(wanted))})) if wanted else set()
    crowded = {slug for slug in wanted if slug in often or slug in taken or seen.earlier("slug", slug)}
    if crowded:
        candidates = [candidate for slug in crowded for candidate in numbered(slug)]
        taken.update(session.scalars(_SLUGS, {"slugs": candidates}))
    for product, slug in zip(products, wanted, strict=True):
        choices = (slug,) if product.head.slug else (*numbered(slug), random_slug(slug))
        line = product.head.line
        chosen = next((s for s in choices if s not in taken and not seen.note("slug", s, line)), None)
        if chosen is None:
            plan.refuse(product, f"another product has the slug {slug}")
        else:
            plan.created.append(NewProduct(product, chosen))
