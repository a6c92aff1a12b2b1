"""What is for sale, and how much of it there is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import UUID

from nexus_kernel.contracts.events import Event
from nexus_kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantView:
    """One thing that can be bought. `available` is the number of pieces that are not reserved.

    `weight_grams` is what one piece weighs, 0 where nobody weighed it.
    """

    id: UUID
    product_id: UUID
    sku: str
    title: str
    slug: str
    price: Money
    available: int
    is_active: bool
    weight_grams: int = 0


class CatalogService(Protocol):
    """Reads products for the plugins that sell them."""

    def get_variants(self, ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """The variants with these ids, retired ones included (`is_active` is false). One query."""
        ...

    def get_default_variants(self, product_ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """The default variant of each of these products, keyed by **product** id. One query."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A line that cannot be served: `requested` pieces of a variant of which `available` are left."""

    variant_id: UUID
    requested: int
    available: int


class StockService(Protocol):
    """Keeps count of pieces. `reference` names what they are held for, such as `order:<id>`.

    All four run inside the caller's transaction, and none of them waits for a row longer than the
    deployment's lock time-out.
    """

    def available(self, variant_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Pieces that can be reserved now; unknown variants are left out."""
        ...

    def reserve(self, quantities: Mapping[UUID, int], reference: str) -> tuple[Shortage, ...]:
        """Hold these pieces for `reference`, all or none.

        Returns the shortages; an empty tuple means that everything is held. With shortages nothing is held
        and the caller rolls its transaction back.
        """
        ...

    def release(self, reference: str) -> bool:
        """Give back what is held for `reference`. True the first time, False when nothing is held."""
        ...

    def ship(self, reference: str, quantities: Mapping[UUID, int] | None = None) -> bool:
        """Take what is held for `reference` out of the stock, or these pieces of it, all or none.

        False when that much is not held (any more), and then nothing changed.
        """
        ...


MOST_IDS = 1000
"""Products that one event names at most."""


@dataclass(frozen=True, kw_only=True)
class ProductsChanged(Event):
    """These products were created, changed or retired; what was derived from them may be stale.

    One event tells of everything that a transaction did, so that an import of 100,000 products is a few
    hundred deliveries; above MOST_IDS there are several.
    """

    name: ClassVar[str] = "catalog.products_changed"
    product_ids: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class StockLow(Event):
    """The available pieces of a variant on sale fell to its threshold or below it; told once a fall.

    It is told again when they have risen above the threshold and fall once more. `seller_id` is None for a
    product of the shop itself.
    """

    name: ClassVar[str] = "catalog.stock_low"
    product_id: UUID
    variant_id: UUID
    seller_id: UUID | None
    title: str
    sku: str
    available: int
    threshold: int
