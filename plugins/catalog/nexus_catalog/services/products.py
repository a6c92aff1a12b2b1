"""Reading products: Core selects whose rows become JSON without a detour through objects."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from nexus_catalog.errors import ProductNotFound
from nexus_catalog.models import Category, Product, Stock, Variant
from nexus_catalog.services.search import matching, relevance
from nexus_catalog.services.slugs import is_id
from nexus_kernel import Money, invalid_field, paginate
from nexus_kernel.money import MoneyError

_AVAILABLE = Stock.on_hand - Stock.reserved
_COLUMNS = (
    Product.id,
    Product.title,
    Product.slug,
    Product.description,
    Product.seller_id,
    Product.rating_average,
    Product.rating_count,
    Product.created_at,
    Product.updated_at,
    Category.id.label("category_id"),
    Category.name.label("category_name"),
    Category.slug.label("category_slug"),
    Variant.id.label("variant_id"),
    Variant.sku,
    Variant.price_minor,
    Variant.currency,
    Variant.is_default,
    Variant.option_values,
    _AVAILABLE.label("available"),
)
_PRODUCTS = (
    select(*_COLUMNS)
    .select_from(Product)
    .join(Variant, Variant.product_id == Product.id)
    .join(Stock, Stock.variant_id == Variant.id)
    .outerjoin(Category, Category.id == Product.category_id)
    .where(Product.is_active)
)
_ORDERS: Mapping[str, tuple[Any, Any]] = {
    "price": (Variant.price_minor, Variant.product_id),
    "title": (Product.title, Product.id),
    "created_at": (Product.created_at, Product.id),
    "updated_at": (Product.updated_at, Product.id),
}
SORTS = (*_ORDERS, *(f"-{name}" for name in _ORDERS))


def product_page(session: Session, args: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """One page of the products on sale that pass the filters of `args`. Two queries, whatever they are.

    The order is `sort`; without it the newest come first, or with `q` the best matches.
    """
    statement = _PRODUCTS.where(Variant.is_default, *_filters(args, currency))
    order, descending = _order(args)
    return paginate(session, statement, order=order, descending=descending, args=args, present=_summary)


def product_detail(session: Session, key: str) -> dict[str, Any]:
    """A product with its variants, by id or slug. One query. Raises ProductNotFound."""
    statement = _PRODUCTS.where(by_key(key)).order_by(Variant.is_default.desc(), Variant.sku)
    rows = session.execute(statement).all()
    if not rows:
        raise ProductNotFound("No product on sale has this id or slug.")
    return _summary(rows[0]) | {"variants": [_variant(row) for row in rows]}


def by_key(key: str) -> ColumnElement[bool]:
    """The condition for a product's id or slug. Raises ProductNotFound for text that can be neither."""
    if is_id(key):
        return Product.id == UUID(key)
    if not key.isprintable():
        raise ProductNotFound("No product on sale has this id or slug.")
    return Product.slug == key


def _filters(args: Mapping[str, Any], currency: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name, condition in (
        ("min_price", Variant.price_minor.__ge__),
        ("max_price", Variant.price_minor.__le__),
    ):
        if name in args:
            found += [condition(_minor(name, args[name], currency)), Variant.currency == currency]
    if "in_stock" in args:
        found.append(_AVAILABLE > 0 if args["in_stock"] else _AVAILABLE <= 0)
    if "seller" in args:
        found.append(Product.seller_id == args["seller"])
    if "category" in args:
        found.append(Product.category_id.in_(with_descendants(args["category"])))
    if args.get("q"):
        found.append(matching(args["q"]))
    return found


def _minor(name: str, amount: Any, currency: str) -> int:
    try:
        return Money.parse(amount, currency).minor
    except MoneyError as error:
        raise invalid_field(name, f"{error}.") from None


def with_descendants(category: str) -> Select[tuple[UUID]]:
    """The ids of the categories with this id or slug, and of all below them."""
    start = Category.id == UUID(category) if is_id(category) else Category.slug == category
    tree = select(Category.id).where(start).cte("category_tree", recursive=True)
    tree = tree.union(select(Category.id).where(Category.parent_id == tree.c.id))
    return select(tree.c.id)


def _order(args: Mapping[str, Any]) -> tuple[Sequence[Any], bool]:
    sort = args.get("sort")
    if sort:
        return _ORDERS[sort.removeprefix("-")], sort.startswith("-")
    if args.get("q"):
        return (relevance(args["q"]), Product.id), True
    return _ORDERS["created_at"], True


def _summary(row: Row[Any]) -> dict[str, Any]:
    category = None
    if row.category_id is not None:
        category = {"id": row.category_id, "name": row.category_name, "slug": row.category_slug}
    return {
        "id": row.id,
        "title": row.title,
        "slug": row.slug,
        "description": row.description,
        "category": category,
        "seller_id": row.seller_id,
        **_offer(row),
        "rating_average": float(row.rating_average) if row.rating_count else None,
        "rating_count": row.rating_count,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _variant(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.variant_id,
        **_offer(row),
        "is_default": row.is_default,
        "option_values": row.option_values,
    }


def _offer(row: Row[Any]) -> dict[str, Any]:
    return {
        "price": str(Money(row.price_minor, row.currency)),
        "currency": row.currency,
        "sku": row.sku,
        "stock_quantity": row.available,
        "in_stock": row.available > 0,
    }
