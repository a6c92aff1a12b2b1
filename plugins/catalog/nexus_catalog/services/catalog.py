"""CatalogService: products for the plugins that sell them."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select
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


class Catalog:
    """Provides CatalogService."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_variants(self, ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        return {view.id: view for view in self._views(ids, Variant.id.in_(ids))}

    def get_default_variants(self, product_ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        found = self._views(product_ids, Variant.product_id.in_(product_ids), Variant.is_default)
        return {view.product_id: view for view in found}

    def _views(self, ids: Collection[UUID], *where: ColumnElement[bool]) -> list[VariantView]:
        if not ids:
            return []
        return [_view(row) for row in self._session.execute(_VARIANTS.where(*where))]


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
