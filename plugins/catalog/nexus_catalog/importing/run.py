"""An import: its records in batches, and what became of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from nexus_catalog.config import CatalogConfig
from nexus_catalog.importing.batches import Options, Outcome, Within, store_batch
from nexus_catalog.importing.images import Images
from nexus_catalog.importing.products import ImportProduct, read_products
from nexus_catalog.importing.records import ImportFault, Reader
from nexus_catalog.importing.refused import Write
from nexus_catalog.importing.rows import Refusal
from nexus_catalog.importing.seen import Seen
from nexus_kernel import settings
from nexus_kernel.currencies import EXPONENTS

BATCH = 1000
"""Rows a transaction."""


@dataclass
class Totals:
    """How many rows were created, updated, unchanged and refused, and how many images added and refused."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    images: int = 0
    images_refused: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count a batch."""
        self.created += outcome.created
        self.updated += outcome.updated
        self.unchanged += outcome.unchanged

    def as_dict(self) -> dict[str, int]:
        """The figures by name; those of images where there are any."""
        images = {"images": self.images, "images_refused": self.images_refused}
        counts = {name: value for name, value in vars(self).items() if name not in images}
        return counts | (images if any(images.values()) else {})


def import_currency(code: str | None) -> str:
    """The currency of prices that name none. Raises ImportFault for an unknown one."""
    currency = code or settings(CatalogConfig).currency
    if currency not in EXPONENTS:
        raise ImportFault(f"{currency!r} is no active ISO 4217 currency code")
    return currency


def import_records(
    reader: Reader,
    options: Options,
    totals: Totals,
    report: Write,
    images: Images,
    within: Within | None = None,
    done_line: int = 0,
) -> Iterator[Totals]:
    """Import everything the reader gives, and say how far it is after each batch.

    Products up to `done_line` were stored and counted by an earlier run; they are compared, and left alone.
    """

    def refuse(refusal: Refusal) -> None:
        totals.refused += 1
        report(refusal)

    with Seen() as seen:
        for batch in _batches(read_products(reader, options.currency, seen), refuse):
            before = [product for product in batch if product.head.line <= done_line]
            after = batch[len(before) :]
            outcome = store_batch(after, seen, options, within) if after else Outcome()
            totals.add(outcome)
            again = store_batch(before, seen, replace(options, dry_run=True)) if before else Outcome()
            for refusal in (*again.refusals, *outcome.refusals):
                refuse(refusal)
            for fault in images.add([*again.images, *outcome.images]):
                totals.images_refused += 1
                report(fault)
            totals.images = images.added
            yield totals
    yield totals


def _batches(products: Iterator[ImportProduct | Refusal], refuse: Write) -> Iterator[list[ImportProduct]]:
    batch: list[ImportProduct] = []
    rows = 0
    for product in products:
        if isinstance(product, Refusal):
            refuse(product)
            continue
        batch.append(product)
        rows += len(product.rows)
        if rows >= BATCH:
            yield batch
            batch, rows = [], 0
    if batch:
        yield batch
