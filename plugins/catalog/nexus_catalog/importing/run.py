"""`nexus catalog import`: the file, the batches, the progress and the report."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from nexus_catalog.config import CatalogConfig
from nexus_catalog.importing.batches import Options, Outcome, Within, store_batch
from nexus_catalog.importing.files import Source, created, opened
from nexus_catalog.importing.images import Images
from nexus_catalog.importing.products import ImportProduct, read_products
from nexus_catalog.importing.records import READERS, ImportFault, Reader
from nexus_catalog.importing.refused import Write, refusal_writer
from nexus_catalog.importing.rows import Refusal
from nexus_catalog.importing.seen import Seen
from nexus_kernel import settings
from nexus_kernel.currencies import EXPONENTS

BATCH = 1000
"""Rows a transaction."""
SHOWN = 20
"""Refused rows that are shown on the terminal."""

__all__ = ["BATCH", "ImportFault", "Totals", "import_file", "import_records"]


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


def import_file(
    file: Path,
    *,
    currency: str | None,
    dry_run: bool,
    refused: Path | None,
    set_stock: bool,
    chosen: str | None = None,
) -> None:
    """Import the file, a batch at a time. Raises ImportFault when it cannot be read.

    What earlier batches stored stays stored; the same command goes on from there.
    """
    options = Options(import_currency(currency), dry_run, set_stock)
    console = Console(stderr=True)
    totals = Totals()
    with ExitStack() as stack:
        source = stack.enter_context(opened(file, chosen))
        reader = READERS[source.format](source.stream)
        report = stack.enter_context(_report(console, refused, reader))
        progress = stack.enter_context(Progress(console=console))
        images = stack.enter_context(Images(source.folder, dry_run=dry_run))
        bar = progress.add_task("Products", total=source.size)
        for _ in import_records(reader, options, totals, report, images):
            progress.update(bar, completed=_done(source))
            while reader.warnings:
                progress.console.print(reader.warnings.pop(0), markup=False, highlight=False)
    _finish(console, totals, refused, dry_run)


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


@contextmanager
def _report(console: Console, path: Path | None, reader: Reader) -> Iterator[Write]:
    """Writes refused rows to the file, or shows the first ones."""
    if path is not None:
        with created(path, whole=False) as stream:
            yield refusal_writer(stream, reader)
        return
    shown = 0

    def show(refusal: Refusal) -> None:
        nonlocal shown
        shown += 1
        if shown <= SHOWN:
            text = f"line {refusal.record.line}, {refusal.sku or 'no SKU'}: {refusal.reason}"
            console.print(text, markup=False, highlight=False)

    yield show


def _finish(console: Console, totals: Totals, refused: Path | None, dry_run: bool) -> None:
    """The sentence for people on standard error, and the figures as JSON on standard output."""
    more = totals.refused + totals.images_refused - SHOWN
    if refused is None and more > 0:
        console.print(f"and {more} more; --refused PATH writes them all to a file")
    words = ", ".join(f"{number} {word.replace('_', ' ')}" for word, number in totals.as_dict().items())
    console.print(f"{'dry run, nothing is stored: ' if dry_run else ''}{words}", highlight=False)
    click.echo(orjson.dumps({"catalog": totals.as_dict() | {"dry_run": dry_run}}))


def _done(source: Source) -> int:
    return source.done()
