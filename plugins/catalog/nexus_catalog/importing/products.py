"""Gathering rows into products: rows that follow one another and share a key are one product's variants."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nexus_catalog.importing.records import Record
from nexus_catalog.importing.rows import ImportRow, Refusal, checked, product_key, refusal
from nexus_catalog.importing.seen import Seen

MOST_ROWS = 1000
"""Variants of a product in one file, retired ones included: a product is in memory as a whole."""
_SHARED = ("title", "description", "category", "slug", "images")
"""What belongs to the product: later rows repeat the first one's, or leave it empty."""


@dataclass(frozen=True, slots=True)
class ImportProduct:
    """A product with its variants, in the order of the file; the first row says what is the product's."""

    rows: tuple[ImportRow, ...]

    @property
    def head(self) -> ImportRow:
        """The row of the default variant of a new product."""
        return self.rows[0]

    @property
    def is_keyed(self) -> bool:
        """True when the file calls it a product with variants."""
        return bool(self.head.product)


def read_products(records: Iterable[Record], currency: str, seen: Seen) -> Iterator[ImportProduct | Refusal]:
    """Every product of the file, and every refused row. A refused row takes its product's others with it."""
    for key, group in _groups(records):
        again = key and seen.note("product", key, group[0].line)
        if again:
            reason = f"the product's rows must stand together; they began on line {again}"
            yield from (refusal(record, reason) for record in group)
            continue
        yield from _product(group, currency, seen)


def _groups(records: Iterable[Record]) -> Iterator[tuple[str, list[Record]]]:
    """Runs of records with the same key; a run beyond MOST_ROWS is cut, which refuses its rest."""
    group: list[Record] = []
    current = ""
    for record in records:
        key = product_key(record)
        if group and (not key or key != current or len(group) > MOST_ROWS):
            yield current, group
            group = []
        current = key
        group.append(record)
    if group:
        yield current, group


def _product(group: list[Record], currency: str, seen: Seen) -> Iterator[ImportProduct | Refusal]:
    rows: list[ImportRow] = []
    refused: dict[int, str] = {}
    for position, record in enumerate(group):
        try:
            row = checked(record, currency)
            _check_beside(row, rows, seen)
            rows.append(row)
        except ValueError as error:
            refused[position] = str(error)
    if len(group) > MOST_ROWS:
        refused[0] = f"a product has at most {MOST_ROWS} rows"
    if not refused:
        for row in rows:
            seen.note("sku", row.sku, row.line)
        yield ImportProduct(tuple(rows))
        return
    first = group[min(refused)].line
    for position, record in enumerate(group):
        yield refusal(record, refused.get(position, f"line {first} of the same product is refused"))


def _check_beside(row: ImportRow, before: Sequence[ImportRow], seen: Seen) -> None:
    if seen.earlier("sku", row.sku) or any(row.sku == other.sku for other in before):
        raise ValueError("the SKU comes twice in this file; the first row counts")
    if not before:
        if not row.title:
            raise ValueError("title is empty")
        return
    for name in _SHARED:
        mine, theirs = getattr(row, name), getattr(before[0], name)
        if mine and mine != theirs:
            raise ValueError(f"{name} differs from that of the product's first row, line {before[0].line}")
    if row.seller and row.seller != before[0].seller:
        raise ValueError(f"seller differs from that of the product's first row, line {before[0].line}")
