"""The filters of products: conditions with parameters, so that a statement is built once for each set."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Uuid,
    any_,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import Session

from nexus_catalog.models import Category, Listing, Product, Stock, Variant
from nexus_catalog.services.slugs import is_id
from nexus_kernel import Money, invalid_field
from nexus_kernel.money import MoneyError

LISTING: FromClause = Listing.__table__
CATEGORY: FromClause = Category.__table__
PRODUCT: FromClause = Product.__table__
STOCK: FromClause = Stock.__table__
VARIANT: FromClause = Variant.__table__
AVAILABLE = STOCK.c.on_hand - STOCK.c.reserved


def conditions(columns: Any) -> Mapping[str, tuple[ColumnElement[bool], ...]]:
    """What each filter asks of these columns and the stock beside them."""
    in_currency = columns.currency == bindparam("currency")
    return {
        "min_price": (columns.price_minor >= bindparam("min_price"), in_currency),
        "max_price": (columns.price_minor <= bindparam("max_price"), in_currency),
        "min_rating": (columns.rating_average >= bindparam("min_rating"),),
        "seller": (columns.seller_id == bindparam("seller"),),
        "category_id": (columns.category_id == any_(_subtree(CATEGORY.c.id, "category_id")),),
        "category_slug": (columns.category_id == any_(_subtree(CATEGORY.c.slug, "category_slug")),),
        "in_stock": (literal_column("0") < AVAILABLE,),
        "out_of_stock": (literal_column("0") >= AVAILABLE,),
    }


def _subtree(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """The ids of the category that this parameter names and of all below it, as an array."""
    tree = select(CATEGORY.c.id).where(column == bindparam(name)).cte("category_tree", recursive=True)
    tree = tree.union(select(CATEGORY.c.id).where(CATEGORY.c.parent_id == tree.c.id))
    return func.array(select(tree.c.id).scalar_subquery(), type_=ARRAY(Uuid()))


CONDITIONS = conditions(LISTING.c)
"""What each filter asks of a listing and its stock."""


def read_filters(args: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The filters of a request by their names in `CONDITIONS`, and `q`, with the values of their parameters.

    Raises Invalid for an amount that the shop's currency cannot have.
    """
    found: dict[str, Any] = {name: args[name] for name in ("min_rating", "seller") if name in args}
    for name in ("min_price", "max_price"):
        if name in args:
            found[name] = _minor(name, args[name], currency)
    if "category" in args:
        found |= category_filter(args["category"])
    if "in_stock" in args:
        found["in_stock" if args["in_stock"] else "out_of_stock"] = True
    if args.get("q"):
        found["q"] = args["q"]
    return found


def category_filter(key: str) -> dict[str, Any]:
    """The filter for a category's id or slug."""
    return {"category_id": UUID(key)} if is_id(key) else {"category_slug": key}


def category_ids(session: Session, key: str) -> list[UUID]:
    """The ids of the categories with this id or slug, and of all below them. One query."""
    ((name, value),) = category_filter(key).items()
    column = CATEGORY.c.id if name == "category_id" else CATEGORY.c.slug
    found: list[UUID] = session.execute(select(_subtree(column, name)), {name: value}).scalar_one()
    return found


def keys(names: frozenset[str], *, with_title: bool = False) -> Select[Any]:
    """The ids of the listings that pass these filters; without `q`. `with_title` joins the product."""
    source = LISTING
    if names & {"in_stock", "out_of_stock"}:
        source = source.join(STOCK, STOCK.c.variant_id == LISTING.c.variant_id)
    if with_title:
        source = source.join(PRODUCT, PRODUCT.c.id == LISTING.c.product_id)
    statement = select(LISTING.c.product_id, LISTING.c.variant_id).select_from(source)
    if with_title:
        statement = statement.where(PRODUCT.c.is_active)  # always true; it opens the partial index
    return statement.where(*dict.fromkeys(c for name in sorted(names - {"q"}) for c in CONDITIONS[name]))


def _minor(name: str, amount: Any, currency: str) -> int:
    try:
        return Money.parse(amount, currency).minor
    except MoneyError as error:
        raise invalid_field(name, f"{error}.") from None
