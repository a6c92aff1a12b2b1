"""CatalogService: products for the plugins that sell them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, Uuid, any_, bindparam, select
from sqlalchemy.orm import Session

from nexus_catalog.models import Product, Stock, Variant
from nexus_kernel import Money
from nexus_kernel.contracts.catalog import VariantView

_VARIANTS = (
    select(
        Variant.id,
        Variant.product_id,
        Variant.sku,
        Variant.price_minor,
        Variant.currency,
        Variant.weight_grams,
        Product.title,
        Product.slug,
        (Product.is_active & Variant.is_active).label("is_active"),
        (Stock.on_hand - Stock.reserved).label("available"),
    )
    .join(Product, Product.id == Variant.product_id)
    .join(Stock, Stock.variant_id == Variant.id)
)
_IDS = any_(bindparam("ids", type_=ARRAY(Uuid)))
_BY_ID = _VARIANTS.where(Variant.id == _IDS)
_DEFAULTS = _VARIANTS.where(Variant.product_id == _IDS, Variant.is_default)


class Catalog:
    """Provides CatalogService."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_variants(self, ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        return {view.id: view for view in self._views(_BY_ID, ids)}

    def get_default_variants(self, product_ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        return {view.product_id: view for view in self._views(_DEFAULTS, product_ids)}

    def _views(self, statement: Select[Any], ids: Collection[UUID]) -> list[VariantView]:
        if not ids:
            return []
        return [_view(row) for row in self._session.execute(statement, {"ids": list(ids)})]


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
