"""What the variants of a product differ in: named options, in order, each with values in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from nexus_catalog.errors import OptionInUse
from nexus_catalog.models import Product, Variant
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.editing import explained, lock_product
from nexus_catalog.services.products import product_detail
from nexus_kernel import Actor, FieldError, Invalid, invalid_field, now

Options = Sequence[Mapping[str, Any]]


def set_options(session: Session, key: str, actor: Actor, options: Options) -> dict[str, Any]:
    """Replace the options of a product; its detail.

    A variant keeps its value of each option that stays, under the new name where `was` tells the old one.
    Of an option that is new it gets the first value. Raises ProductNotFound, Invalid for an option that was
    not there, OptionInUse where a variant on sale has a value that would go, and CombinationTaken where two
    variants would not differ any more.
    """
    product = lock_product(session, key, actor)
    old = product.options
    names = {option["name"] for option in old}
    for position, option in enumerate(options):
        if option.get("was") is not None and option["was"] not in names:
            raise invalid_field(f"options[{position}].was", "The product has no such option.", "unknown")
    _move_variants(session, product, options, names)
    stored = [{"name": option["name"], "values": list(option["values"])} for option in options]
    session.execute(update(Product).where(Product.id == product.id).values(options=stored, updated_at=now()))
    products_changed([product.id])
    return product_detail(session, str(product.id))


def checked_values(options: Options, values: Mapping[str, str]) -> dict[str, str]:
    """The values of a variant, in the order of the options. Raises Invalid naming what does not fit."""
    known = {option["name"]: option["values"] for option in options}
    faults = [
        FieldError(f"option_values.{name}", "unknown", "The product has no such option.")
        for name in values
        if name not in known
    ]
    for name, allowed in known.items():
        if name not in values:
            faults.append(FieldError(f"option_values.{name}", "required", "Missing value of an option."))
        elif values[name] not in allowed:
            message = f"Must be one of: {', '.join(allowed)}."
            faults.append(FieldError(f"option_values.{name}", "unknown", message))
    if faults:
        raise Invalid("; ".join(f"{fault.path}: {fault.message}" for fault in faults[:5]), errors=faults)
    return {name: values[name] for name in known}


def _move_variants(session: Session, product: Row[Any], options: Options, names: set[str]) -> None:
    variants = session.execute(
        select(Variant.id, Variant.sku, Variant.option_values).where(
            Variant.product_id == product.id, Variant.is_active
        )
    ).all()
    changed = []
    for variant in variants:
        values = {
            option["name"]: _value_of(variant, option, option.get("was") or option["name"], names)
            for option in options
        }
        if values != variant.option_values:
            changed.append({"id": variant.id, "option_values": values})
    with explained():
        # First out of each other's way: two variants may swap what they differ in.
        for values in ([{**c, "option_values": {"": str(c["id"])}} for c in changed], changed):
            if values:
                session.execute(update(Variant), values)


def _value_of(variant: Row[Any], option: Mapping[str, Any], was: str, names: set[str]) -> str:
    if was not in names:
        return str(option["values"][0])
    value = variant.option_values.get(was, option["values"][0])
    if value not in option["values"]:
        raise OptionInUse(
            f"The variant {variant.sku} has {option['name']}: {value}; change or retire it first."
        )
    return str(value)
