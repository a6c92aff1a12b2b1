"""Variants of a product. Each change locks the product, so changes of one product go one after the other."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.errors import DefaultVariant, ProductNotFound, TooManyVariants, VariantNotFound
from nexus_catalog.models import Product, Stock, Variant
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.editing import (
    VARIANT_FIELDS,
    as_actor,
    explained,
    generated_sku,
    lock_product,
    parsed_price,
)
from nexus_catalog.services.options import checked_values
from nexus_catalog.services.ownership import may_change
from nexus_catalog.services.products import by_key, present_variant
from nexus_catalog.services.stock import StockKeeper
from nexus_kernel import Actor, invalid_field, new_id, now, paginate, settings

_VARIANTS = select(
    Variant.id.label("variant_id"),
    Variant.product_id,
    Variant.sku,
    Variant.price_minor,
    Variant.prior_price_minor,
    Variant.currency,
    Variant.is_default,
    Variant.is_active,
    Variant.option_values,
    Variant.weight_grams,
    Variant.created_at,
    Variant.updated_at,
    (Stock.on_hand - Stock.reserved).label("available"),
).join(Stock, Stock.variant_id == Variant.id)


def variant_page(session: Session, key: str, actor: Actor, args: Mapping[str, Any]) -> dict[str, Any]:
    """The variants on sale of a product, the oldest first; three queries. Raises ProductNotFound.

    With `include_retired` those who may change the product see retired variants, and a retired product's.
    """
    product = session.execute(
        select(Product.id, Product.seller_id, Product.is_active).where(by_key(key))
    ).one_or_none()
    everything = args["include_retired"] and product is not None and may_change(actor, product)
    if product is None or not (product.is_active or everything):
        raise ProductNotFound("No product on sale has this id or slug.")
    rows = _VARIANTS.where(Variant.product_id == product.id)
    if not everything:
        rows = rows.where(Variant.is_active)
    return paginate(session, rows, order=(Variant.id,), descending=False, args=args, present=_present)


def get_variant(session: Session, key: str, variant_id: UUID) -> dict[str, Any]:
    """A variant on sale of a product on sale. One query. Raises VariantNotFound."""
    rows = _VARIANTS.join(Product, Product.id == Variant.product_id).where(by_key(key), Product.is_active)
    row = session.execute(rows.where(Variant.id == variant_id, Variant.is_active)).one_or_none()
    if row is None:
        raise VariantNotFound("The product has no such variant.")
    return _present(row)


def create_variant(session: Session, key: str, actor: Actor, values: Mapping[str, Any]) -> dict[str, Any]:
    """A new variant with its stock, in the product's currency.

    Raises ProductNotFound, SkuTaken, CombinationTaken, TooManyVariants and Invalid.
    """
    product = lock_product(session, key, actor)
    _check_room(session, product.id)
    option_values = checked_values(product.options, values.get("option_values", {}))
    price = parsed_price(values["price"], _same_currency(product, values))
    variant_id = new_id()
    with explained():
        session.execute(
            insert(Variant).values(
                id=variant_id,
                product_id=product.id,
                sku=values.get("sku") or generated_sku(variant_id),
                price_minor=price.minor,
                currency=price.currency,
                is_default=False,
                option_values=option_values,
                weight_grams=values.get("weight_grams", 0),
            )
        )
    StockKeeper(session).open({variant_id: values.get("stock_quantity", 0)}, "initial")
    _touched(session, product.id)
    return _own(session, variant_id)


def update_variant(
    session: Session, key: str, variant_id: UUID, actor: Actor, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Change a variant on sale; what is left out stays. Without changes nothing is written or published.

    Raises ProductNotFound, VariantNotFound, SkuTaken, CombinationTaken and Invalid.
    """
    product = lock_product(session, key, actor)
    _check_there(session, product.id, variant_id)
    if not changes:
        return _own(session, variant_id)
    values = {name: changes[name] for name in VARIANT_FIELDS if name in changes}
    currency = _same_currency(product, changes)
    if "price" in changes:
        values["price_minor"] = parsed_price(changes["price"], currency).minor
        as_actor(session)
    if "option_values" in changes:
        values["option_values"] = checked_values(product.options, changes["option_values"])
    with explained():
        session.execute(update(Variant).where(Variant.id == variant_id).values(**values, updated_at=now()))
    if "stock_quantity" in changes:
        StockKeeper(session).set_available({variant_id: changes["stock_quantity"]}, "correction")
    _touched(session, product.id)
    return _own(session, variant_id)


def make_default(session: Session, key: str, variant_id: UUID, actor: Actor) -> dict[str, Any]:
    """Let the product's price, SKU and stock be this variant's. Raises ProductNotFound, VariantNotFound."""
    product = lock_product(session, key, actor)
    _check_there(session, product.id, variant_id)
    if product.variant_id != variant_id:
        for is_default, changed in ((False, product.variant_id), (True, variant_id)):
            statement = update(Variant).where(Variant.id == changed)
            session.execute(statement.values(is_default=is_default, updated_at=now()))
        _touched(session, product.id)
    return _own(session, variant_id)


def retire_variant(session: Session, key: str, variant_id: UUID, actor: Actor) -> None:
    """Take a variant off sale; its row and its stock stay, for the orders and carts that know it.

    Raises ProductNotFound, VariantNotFound (the second time too) and DefaultVariant, so that a product
    always has one variant on sale.
    """
    product = lock_product(session, key, actor)
    _check_there(session, product.id, variant_id)
    if product.variant_id == variant_id:
        raise DefaultVariant("Make another variant the default first, or retire the product.")
    session.execute(update(Variant).where(Variant.id == variant_id).values(is_active=False, updated_at=now()))
    _touched(session, product.id)


def restore_variant(session: Session, key: str, variant_id: UUID, actor: Actor) -> dict[str, Any]:
    """Put a retired variant on sale again; one on sale stays so.

    Raises ProductNotFound, VariantNotFound, TooManyVariants, CombinationTaken, and Invalid where the
    product's options have changed so that the variant's values are none any more.
    """
    product = lock_product(session, key, actor)
    variant = session.execute(
        select(Variant.is_active, Variant.option_values, Variant.currency).where(
            Variant.id == variant_id, Variant.product_id == product.id
        )
    ).one_or_none()
    if variant is None:
        raise VariantNotFound("The product has no such variant.")
    if not variant.is_active:
        _check_room(session, product.id)
        checked_values(product.options, variant.option_values)
        _same_currency(product, {"currency": variant.currency})
        with explained():
            restored = update(Variant).where(Variant.id == variant_id)
            session.execute(restored.values(is_active=True, updated_at=now()))
        _touched(session, product.id)
    return _own(session, variant_id)


def _check_room(session: Session, product_id: UUID) -> None:
    most = settings(CatalogConfig).max_variants
    count = select(func.count()).where(Variant.product_id == product_id, Variant.is_active)
    if session.execute(count).scalar_one() >= most:
        raise TooManyVariants(f"A product has at most {most} variants on sale.")


def _check_there(session: Session, product_id: UUID, variant_id: UUID) -> None:
    found = select(Variant.id).where(
        Variant.id == variant_id, Variant.product_id == product_id, Variant.is_active
    )
    if session.execute(found).scalar() is None:
        raise VariantNotFound("The product has no such variant.")


def _same_currency(product: Row[Any], values: Mapping[str, Any]) -> str:
    currency: str = values.get("currency", product.currency)
    if currency != product.currency:
        raise invalid_field("currency", f"The product is priced in {product.currency}.", "mixed")
    return currency


def _touched(session: Session, product_id: UUID) -> None:
    session.execute(update(Product).where(Product.id == product_id).values(updated_at=now()))
    products_changed([product_id])


def _own(session: Session, variant_id: UUID) -> dict[str, Any]:
    return _present(session.execute(_VARIANTS.where(Variant.id == variant_id)).one())


def _present(row: Row[Any]) -> dict[str, Any]:
    return present_variant(row) | {
        "product_id": row.product_id,
        "is_active": row.is_active,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
