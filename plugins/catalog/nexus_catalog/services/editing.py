"""Writing products: each function runs inside the caller's transaction and flushes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexus_catalog.errors import CombinationTaken, ProductNotFound, SkuTaken
from nexus_catalog.models import Product, Variant
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.ownership import changeable_by
from nexus_catalog.services.products import by_key
from nexus_catalog.services.slugs import free_slugs, slugify
from nexus_catalog.services.stock import StockKeeper
from nexus_kernel import Actor, Conflict, FieldError, Money, invalid_field, new_id, now
from nexus_kernel.context import current_actor_id
from nexus_kernel.money import MoneyError

_ATTEMPTS = 10
_PRODUCT_FIELDS = ("title", "description", "category_id", "seller_id")
VARIANT_FIELDS = ("sku", "weight_grams")
"""What is written to a variant as it was given."""
_LOCKED = select(
    Product.id,
    Product.seller_id,
    Product.is_active,
    Product.options,
    Variant.id.label("variant_id"),
    Variant.currency,
).join(Variant, (Variant.product_id == Product.id) & Variant.is_default)


def create_product(session: Session, values: Mapping[str, Any], currency: str) -> UUID:
    """A product with its default variant and its stock; the product's id.

    Raises SkuTaken, and Invalid for a category that does not exist or an amount that cannot be.
    """
    price = parsed_price(values["price"], values.get("currency", currency))
    variant_id = new_id()
    with explained():
        product_id = _insert_product(
            session,
            {name: values[name] for name in _PRODUCT_FIELDS if name in values},
            slugify(values.get("slug") or values["title"], "product"),
        )
        session.execute(
            insert(Variant).values(
                id=variant_id,
                product_id=product_id,
                sku=values.get("sku") or generated_sku(variant_id),
                price_minor=price.minor,
                currency=price.currency,
                is_default=True,
                weight_grams=values.get("weight_grams", 0),
            )
        )
    StockKeeper(session).open({variant_id: values.get("stock_quantity", 0)}, "initial")
    products_changed([product_id])
    return product_id


def update_product(session: Session, key: str, changes: Mapping[str, Any], actor: Actor) -> UUID:
    """Change a product and its default variant; the product's id.

    The slug stays, so that links hold, unless it is given; then it is made unique. Raises ProductNotFound,
    SkuTaken and Invalid. Without changes nothing is written or published.
    """
    current = lock_product(session, key, actor)
    if not changes:
        return current.id
    product = {name: changes[name] for name in _PRODUCT_FIELDS if name in changes}
    variant = {name: changes[name] for name in VARIANT_FIELDS if name in changes}
    if "price" in changes:
        price = parsed_price(changes["price"], changes.get("currency", current.currency))
        _check_currency(session, current, price.currency)
        as_actor(session)
        variant |= {"price_minor": price.minor, "currency": price.currency}
    elif "currency" in changes:
        raise invalid_field("currency", "Send the price together with its currency.")
    with explained():
        session.execute(update(Product).where(Product.id == current.id).values(**product, updated_at=now()))
        if variant:
            session.execute(update(Variant).where(Variant.id == current.variant_id).values(**variant))
    if "slug" in changes:
        _set_slug(session, current.id, changes["slug"])
    if "stock_quantity" in changes:
        StockKeeper(session).set_available({current.variant_id: changes["stock_quantity"]}, "correction")
    products_changed([current.id])
    return current.id


def retire_product(session: Session, key: str, actor: Actor) -> None:
    """Take a product off sale; its row stays. Raises ProductNotFound, the second time too."""
    current = lock_product(session, key, actor)
    session.execute(update(Product).where(Product.id == current.id).values(is_active=False, updated_at=now()))
    products_changed([current.id])


def restore_product(session: Session, key: str, actor: Actor) -> UUID:
    """Put a retired product on sale again; one on sale stays so. Its id. Raises ProductNotFound."""
    current = lock_product(session, key, actor, is_active=None)
    if not current.is_active:
        restored = update(Product).where(Product.id == current.id)
        session.execute(restored.values(is_active=True, updated_at=now()))
        products_changed([current.id])
    return current.id


def generated_sku(variant_id: UUID) -> str:
    """A SKU for a variant that was given none."""
    return f"P-{variant_id.hex[-12:].upper()}"


def lock_product(session: Session, key: str, actor: Actor, *, is_active: bool | None = True) -> Row[Any]:
    """What writing needs of a product that the actor may change, locked until the transaction ends.

    One on sale; with `is_active` False a retired one, with None either. Raises ProductNotFound, for
    somebody else's too. The default variant is read under the lock, as others may just have changed it.
    """
    locked = select(Product.id).where(by_key(key), changeable_by(actor)).with_for_update()
    if is_active is not None:
        locked = locked.where(Product.is_active.is_(is_active))
    product_id = session.execute(locked).scalar()
    if product_id is None:
        raise ProductNotFound("No product on sale has this id or slug.")
    return session.execute(_LOCKED.where(Product.id == product_id)).one()


def _insert_product(session: Session, values: dict[str, Any], base: str) -> UUID:
    for attempt in range(_ATTEMPTS):
        (slug,) = free_slugs(session, Product.slug, [base], random=attempt > 2)
        statement = insert(Product).values(id=new_id(), slug=slug, **values)
        created = session.execute(statement.on_conflict_do_nothing().returning(Product.id)).scalar()
        if created is not None:
            return created
    raise Conflict("Too many products of this title are being created; try again.")


def _set_slug(session: Session, product_id: UUID, wanted: str) -> None:
    base = slugify(wanted, "product")
    for attempt in range(_ATTEMPTS):
        others = Product.id != product_id
        (slug,) = free_slugs(session, Product.slug, [base], others, random=attempt > 2)
        try:
            with session.begin_nested():
                session.execute(update(Product).where(Product.id == product_id).values(slug=slug))
        except IntegrityError as error:
            if _constraint(error) != "uq_catalog_product_slug":
                raise
        else:
            return
    raise Conflict("Too many products are taking this slug; try again.")


def _check_currency(session: Session, product: Row[Any], currency: str) -> None:
    """The variants of a product have one currency. Raises Invalid where others would stay behind."""
    if currency == product.currency:
        return
    others = select(Variant.id).where(
        Variant.product_id == product.id, Variant.is_active, Variant.id != product.variant_id
    )
    if session.execute(select(others.exists())).scalar():
        message = f"The other variants are priced in {product.currency}; a product has one currency."
        raise invalid_field("currency", message, "mixed")


def as_actor(session: Session) -> None:
    """Say whose change of prices this transaction is, for the trigger that keeps their history."""
    actor_id = current_actor_id()
    given = "" if actor_id is None else str(actor_id)
    session.execute(select(func.set_config("catalog.actor_id", given, True)))


def parsed_price(amount: Any, currency: str) -> Money:
    """The price of a variant. Raises Invalid for an amount that cannot be."""
    try:
        return Money.parse(amount, currency)
    except MoneyError as error:
        raise invalid_field("price", f"{error}.") from None


@contextmanager
def explained() -> Iterator[None]:
    """Give the constraints that a client can run into a meaning."""
    try:
        yield
    except IntegrityError as error:
        constraint = _constraint(error)
        if constraint == "uq_catalog_variant_sku":
            fault = FieldError("sku", "taken", "Another variant has this SKU.")
            raise SkuTaken("Another variant has this SKU.", errors=[fault]) from None
        if constraint == "uq_catalog_variant_option_values":
            fault = FieldError("option_values", "taken", "Another variant of the product has these values.")
            raise CombinationTaken(
                "Two variants of the product would not differ in their option values.", errors=[fault]
            ) from None
        if constraint == "fk_catalog_product_category_id":
            raise invalid_field("category_id", "There is no such category.") from None
        raise


def _constraint(error: IntegrityError) -> str | None:
    """The name of the constraint that refused."""
    return error.orig.diag.constraint_name if error.orig is not None else None  # type: ignore[attr-defined]
