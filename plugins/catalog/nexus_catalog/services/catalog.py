"""CatalogService: products for the plugins that sell them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Row, Select, Uuid, any_, bindparam, select
from sqlalchemy.orm import Session

from nexus_catalog.services.filters import PRODUCT, STOCK, VARIANT
from nexus_kernel import Money
from nexus_kernel.contracts.catalog import VariantView

_VARIANTS = (
    select(
        VARIANT.c.id,
        VARIANT.c.product_id,
        VARIANT.c.sku,
        VARIANT.c.price_minor,
        VARIANT.c.currency,
        VARIANT.c.weight_grams,
        PRODUCT.c.title,
        PRODUCT.c.slug,
        (PRODUCT.c.is_active & VARIANT.c.is_active).label("is_active"),
        (STOCK.c.on_hand - STOCK.c.reserved).label("available"),
    )
    .join(PRODUCT, PRODUCT.c.id == VARIANT.c.product_id)
    .join(STOCK, STOCK.c.variant_id == VARIANT.c.id)
)
_DEFAULTS = _VARIANTS.where(VARIANT.c.is_default)


class _LookUp:
    """The variants whose `column` is one of some ids.

    For one id it is another statement: PostgreSQL plans one with a list anew each time, which takes longer
    than to run it.
    """

    def __init__(self, variants: Select[Any], column: ColumnElement[UUID]) -> None:
        self._one = variants.where(column == bindparam("id"))
        self._many = variants.where(column == any_(bindparam("ids", type_=ARRAY(Uuid))))

    def run(self, session: Session, ids: Collection[UUID]) -> list[VariantView]:
        """One query, or none for no ids."""
        if not ids:
            return []
        wanted = list(ids)
        one = len(wanted) == 1
        statement, given = (self._one, {"id": wanted[0]}) if one else (self._many, {"ids": wanted})
        return [_view(row) for row in session.execute(statement, given)]


_BY_ID = _LookUp(_VARIANTS, VARIANT.c.id)
_BY_PRODUCT = _LookUp(_DEFAULTS, VARIANT.c.product_id)


class Catalog:
    """Provides CatalogService."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_variants(self, ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        return {view.id: view for view in _BY_ID.run(self._session, ids)}

    def get_default_variants(self, product_ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        return {view.product_id: view for view in _BY_PRODUCT.run(self._session, product_ids)}


def _view(row: Row[Any]) -> VariantView:
    return VariantView(
        id=row.id,
        product_id=row.product_id,
        sku=row.sku,
        title=row.title,
        slug=row.slug,
        price=Money(row.price_minor, row.currency),
        available=row.available,
        is_active=row.is_active,
        weight_grams=row.weight_grams,
    )
