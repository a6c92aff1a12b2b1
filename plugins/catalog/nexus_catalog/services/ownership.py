"""Whose product it is: staff change every product, a seller their own, and nobody sees that others exist.

Every route that writes to a product, its variants, images or stock requires one of `WRITERS` and finds the
product through `changeable_by` (in a statement) or `may_change` (of a row that was read).
"""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, false, true

from nexus_catalog.models import Product
from nexus_kernel import ADMIN, Actor, current_nexus, invalid_field, services
from nexus_kernel.contracts.accounts import AccountService

WRITE = "catalog.product.write"
"""The permission to change every product."""
WRITE_OWN = "catalog.product.write_own"
"""The permission to create products and to change those that one sells."""
WRITERS = (WRITE, WRITE_OWN)
OPERATOR = Actor(None, frozenset({ADMIN}))
"""Whoever runs commands on the machine of the shop."""


class Owned(Protocol):
    """A product, or a row with its seller."""

    @property
    def seller_id(self) -> UUID | None: ...


def may_change(actor: Actor, product: Owned) -> bool:
    """True for staff, and for the seller of this product."""
    own = product.seller_id is not None and product.seller_id == actor.id
    return actor.can(WRITE) or (own and actor.can(WRITE_OWN))


def changeable_by(actor: Actor) -> ColumnElement[bool]:
    """`may_change` as a condition on `Product`."""
    if actor.can(WRITE):
        return true()
    return Product.seller_id == actor.id if actor.can(WRITE_OWN) and actor.id else false()


def with_seller(actor: Actor, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new product with its `seller_id`: the seller's own, or whom staff named.

    Raises Invalid as `check_seller` does.
    """
    check_seller(actor, values)
    return dict(values) if actor.can(WRITE) else {**values, "seller_id": actor.person_id}


def check_seller(actor: Actor, values: Mapping[str, Any]) -> None:
    """Raises Invalid where a seller names a seller, or staff name somebody who may not sell.

    Without a provider of AccountService nobody can be looked up, and every id passes.
    """
    if "seller_id" not in values:
        return
    if not actor.can(WRITE):
        raise invalid_field("seller_id", "Staff decide whose product it is.", "not_allowed")
    seller_id, nexus = values["seller_id"], current_nexus()
    if seller_id is None or AccountService not in nexus.services.contracts():
        return
    person = services.get(AccountService).get_people([seller_id]).get(seller_id)
    if person is None or not any(nexus.policy.allows(person.roles, code) for code in WRITERS):
        raise invalid_field("seller_id", "There is no such seller.", "unknown_id")
