"""What a batch would change: compared with what is stored, without writing. A dry run ends here."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, String, Uuid, bindparam, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from nexus_catalog.importing.paths import CategoryPaths
from nexus_catalog.importing.products import ImportProduct
from nexus_catalog.importing.rows import ImportRow, Refusal, refusal
from nexus_catalog.importing.seen import Seen
from nexus_catalog.importing.variants import Offer, ProductOptions, changed_options, new_options
from nexus_catalog.models import Product, Stock, Variant
from nexus_catalog.services.slugs import numbered, random_slug, slugify

VERSION = literal_column("catalog_product.xmin::text").label("version")
"""Another one after every write to the product's row, whoever writes."""
_VARIANTS = (
    select(
        Variant.sku,
        Variant.id,
        Variant.product_id,
        Variant.is_default,
        Variant.is_active,
        Variant.price_minor,
        Variant.currency,
        Variant.option_values,
        Variant.weight_grams,
        Product.title,
        Product.slug,
        Product.description,
        Product.category_id,
        Product.seller_id,
        Product.options,
        VERSION,
        (Stock.on_hand - Stock.reserved).label("available"),
    )
    .join(Product, Product.id == Variant.product_id)
    .join(Stock, Stock.variant_id == Variant.id)
    .where(Variant.sku == bindparam("skus", type_=ARRAY(String)).any_())  # type: ignore[attr-defined]
)
_SIBLINGS = select(Variant.product_id, Variant.sku, Variant.currency, Variant.option_values).where(
    Variant.product_id == bindparam("ids", type_=ARRAY(Uuid)).any_(),  # type: ignore[attr-defined]
    Variant.is_active,
)
_SLUGS = select(Product.slug).where(
    Product.slug == bindparam("slugs", type_=ARRAY(String)).any_()  # type: ignore[attr-defined]
)


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to create, under a slug that is free."""

    product: ImportProduct
    slug: str
    options: ProductOptions


@dataclass(slots=True)
class KnownProduct:
    """A stored product: its new variants, and which of the rows change their variant or its stock.

    `version` is that of the row that it was compared with; `options` are None where they stay. `moved` are
    the variants whose values change: two may swap theirs.
    """

    product: ImportProduct
    id: UUID
    version: str
    category_id: UUID | None
    changes_product: bool
    options: ProductOptions | None
    created: list[ImportRow] = field(default_factory=list)
    changed: list[tuple[ImportRow, UUID]] = field(default_factory=list)
    moved: list[UUID] = field(default_factory=list)
    restocked: list[tuple[ImportRow, UUID]] = field(default_factory=list)

    @property
    def is_changed(self) -> bool:
        """False when everything is as the file says."""
        parts = (self.created, self.changed, self.restocked)
        return self.changes_product or self.options is not None or any(parts)


@dataclass(slots=True)
class Plan:
    """What to do for a batch."""

    paths: CategoryPaths
    created: list[NewProduct] = field(default_factory=list)
    known: list[KnownProduct] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def changed(self) -> list[KnownProduct]:
        """The stored products that are written, in the order of their ids."""
        return sorted((known for known in self.known if known.is_changed), key=lambda known: known.id)

    def refuse(self, product: ImportProduct, reason: str) -> None:
        """Refuse all rows of a product."""
        self.refusals += [refusal(row.record, reason) for row in product.rows]


def make_plan(session: Session, products: Sequence[ImportProduct], seen: Seen, set_stock: bool) -> Plan:
    """The plan for these products, in a fixed number of queries. Notes slugs and products in `seen`."""
    stored = _stored(session, products)
    plan = Plan(CategoryPaths(session, {product.head.category for product in products}))
    siblings = _siblings(session, stored)
    fresh = []
    for product in products:
        found = {row.sku: stored[row.sku] for row in product.rows if row.sku in stored}
        try:
            if found:
                options = _checked(product, found, siblings, seen)
                plan.known.append(_compared(product, found, options, plan.paths, set_stock))
            else:
                fresh.append((product, new_options(product)))
        except ValueError as error:
            plan.refuse(product, str(error))
    _name(session, fresh, seen, plan)
    return plan


def _stored(session: Session, products: Iterable[ImportProduct]) -> dict[str, Row[Any]]:
    skus = [row.sku for product in products for row in product.rows]
    return {row.sku: row for row in session.execute(_VARIANTS, {"skus": skus})}


def _siblings(session: Session, stored: dict[str, Row[Any]]) -> dict[UUID, dict[str, Offer]]:
    """Every variant on sale of the stored products, by SKU."""
    ids = {row.product_id for row in stored.values()}
    found: dict[UUID, dict[str, Offer]] = defaultdict(dict)
    for row in session.execute(_SIBLINGS, {"ids": sorted(ids)}) if ids else ():
        found[row.product_id][row.sku] = Offer(row.sku, row.currency, row.option_values)
    return found


def _checked(
    product: ImportProduct,
    found: dict[str, Row[Any]],
    siblings: dict[UUID, dict[str, Offer]],
    seen: Seen,
) -> ProductOptions:
    """The options that a stored product will have.

    Raises ValueError for a product that contradicts what is stored, or an earlier line.
    """
    ids = {row.product_id for row in found.values()}
    if len(ids) > 1:
        raise ValueError("the SKUs belong to different products")
    (product_id,) = ids
    one = next(iter(found.values()))
    if not product.is_keyed and not one.is_default:
        raise ValueError("the SKU is one of several variants of a product")
    if product.head.slug and product.head.slug != one.slug:
        raise ValueError(f"the slug of a known product stays, so that links hold; it is {one.slug}")
    options = changed_options(product, found, siblings[product_id], one.options)
    earlier = seen.note("known", str(product_id), product.head.line)
    if earlier:
        raise ValueError(f"its product came already on line {earlier}")
    return options


def _compared(
    product: ImportProduct,
    found: dict[str, Row[Any]],
    options: ProductOptions,
    paths: CategoryPaths,
    set_stock: bool,
) -> KnownProduct:
    head, old = product.head, next(iter(found.values()))
    same = (
        (old.title, old.description) == (head.title, head.description)
        and paths.is_at(old.category_id, head.category)
        and (head.seller is None or head.seller == str(old.seller_id or ""))
    )
    known = KnownProduct(
        product,
        old.product_id,
        old.version,
        old.category_id,
        changes_product=not same,
        options=None if options == old.options else options,
    )
    for row in product.rows:
        if row.sku in found:
            _compare_variant(known, row, found[row.sku], set_stock)
        else:
            known.created.append(row)
    return known


def _compare_variant(known: KnownProduct, row: ImportRow, variant: Row[Any], set_stock: bool) -> None:
    moves = row.options is not None and row.options != variant.option_values
    if moves:
        known.moved.append(variant.id)
    weighs = row.weight_grams is not None and row.weight_grams != variant.weight_grams
    priced = (variant.price_minor, variant.currency) != (row.price.minor, row.price.currency)
    if moves or weighs or priced:
        known.changed.append((row, variant.id))
    if set_stock and variant.available != row.stock:
        known.restocked.append((row, variant.id))


def _name(
    session: Session, products: Sequence[tuple[ImportProduct, ProductOptions]], seen: Seen, plan: Plan
) -> None:
    """Give new products their slugs, in two queries at most; refuse those whose own slug is taken."""
    wanted = [one.head.slug or slugify(one.head.title, "product") for one, _ in products]
    often = {slug for slug, count in Counter(wanted).items() if count > 1}
    taken = set(session.scalars(_SLUGS, {"slugs": sorted(set(wanted))})) if wanted else set()
    crowded = {slug for slug in wanted if slug in often or slug in taken or seen.earlier("slug", slug)}
    if crowded:
        candidates = [candidate for slug in crowded for candidate in numbered(slug)]
        taken.update(session.scalars(_SLUGS, {"slugs": candidates}))
    for (product, options), slug in zip(products, wanted, strict=True):
        choices = (slug,) if product.head.slug else (*numbered(slug), random_slug(slug))
        line = product.head.line
        chosen = next((s for s in choices if s not in taken and not seen.note("slug", s, line)), None)
        if chosen is None:
            plan.refuse(product, f"another product has the slug {slug}")
        else:
            plan.created.append(NewProduct(product, chosen, options))
