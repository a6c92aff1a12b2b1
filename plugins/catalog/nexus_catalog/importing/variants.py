"""What the variants of a product have in common, and what they differ in: its options, in order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from nexus_catalog.config import CatalogConfig
from nexus_catalog.importing.products import ImportProduct
from nexus_catalog.importing.rows import ImportRow
from nexus_catalog.models import MOST_OPTIONS, MOST_VALUES
from nexus_kernel import settings

Values = Mapping[str, str]
ProductOptions = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Offer:
    """A variant as it would be on sale."""

    sku: str
    currency: str
    values: Values


def new_options(product: ImportProduct) -> ProductOptions:
    """The options of a new product. Raises ValueError for variants that cannot stand together."""
    on_sale = [row for row in product.rows if row.active or row is product.head]
    _check_number(len(on_sale))
    check_together([_offer(row, {}) for row in on_sale])
    return options_of([], [], _named_alike(product.rows, on_sale[0]))


def changed_options(
    product: ImportProduct, found: dict[str, Row[Any]], before: dict[str, Offer], stored: ProductOptions
) -> ProductOptions:
    """The options after the import, where its variants on sale can stand together."""
    rows = [row for row in product.rows if (found[row.sku].is_active if row.sku in found else row.active)]
    fresh = [row for row in product.rows if row.sku not in found]
    mine = {row.sku: _offer(row, before[row.sku].values if row.sku in before else {}) for row in rows}
    offers = [*mine.values(), *(offer for sku, offer in before.items() if sku not in mine)]
    if len(offers) > len(before):
        _check_number(len(offers))
    check_together(offers)
    values = [offer.values for offer in offers]
    values += [row.options for row in fresh if row.options and row.options.keys() == values[0].keys()]
    return options_of(stored, [offer.values for offer in before.values()], values)


def check_together(offers: Sequence[Offer]) -> None:
    """Raises ValueError unless these variants can be on sale as one product."""
    first, seen = offers[0], dict[frozenset[tuple[str, str]], str]()
    for offer in offers:
        if offer.currency != first.currency:
            raise ValueError(f"a product has one currency: {first.sku} has {first.currency}")
        if offer.values.keys() != first.values.keys():
            raise ValueError(f"the variants of a product must have the same options as {first.sku}")
        other = seen.setdefault(frozenset(offer.values.items()), offer.sku)
        if other != offer.sku:
            raise ValueError(f"two variants of the product have the same options: {other} and {offer.sku}")


def options_of(stored: ProductOptions, before: Iterable[Values], after: Sequence[Values]) -> ProductOptions:
    """The options of a product whose variants had these values before and have others after.

    What is stored keeps its order, and what is new comes after it. A value that no variant has any more goes;
    one that none had before stays. Raises ValueError for more than a product may have, and for a value that
    is written in two ways.
    """
    had = {pair for values in before for pair in values.items()}
    has = {pair for values in after for pair in values.items()}
    known = {option["name"]: option["values"] for option in stored}
    names = dict.fromkeys([*(name for name in known if name in after[0]), *after[0]])
    found = []
    for name in names:
        kept = [v for v in known.get(name, ()) if (name, v) in has or (name, v) not in had]
        values = list(dict.fromkeys([*kept, *(values[name] for values in after)]))
        _check_values(name, values)
        found.append({"name": name, "values": values})
    if len(found) > MOST_OPTIONS:
        raise ValueError(f"a product has at most {MOST_OPTIONS} options")
    return found


def _check_values(name: str, values: Sequence[str]) -> None:
    if len(values) > MOST_VALUES:
        raise ValueError(f"the option {name} has more than {MOST_VALUES} values")
    seen: dict[str, str] = {}
    for value in values:
        other = seen.setdefault(value.casefold(), value)
        if other != value:
            raise ValueError(f"the option {name} is written in two ways: {other} and {value}")


def _offer(row: ImportRow, stored: Values) -> Offer:
    return Offer(row.sku, row.price.currency, stored if row.options is None else row.options)


def _named_alike(rows: Iterable[ImportRow], head: ImportRow) -> list[Values]:
    """The values of variants that have the options of the first one; a retired one may have others."""
    values = [row.options or {} for row in rows]
    return [one for one in values if one.keys() == (head.options or {}).keys()]


def _check_number(count: int) -> None:
    most = settings(CatalogConfig).max_variants
    if count > most:
        raise ValueError(f"a product has at most {most} variants on sale")
