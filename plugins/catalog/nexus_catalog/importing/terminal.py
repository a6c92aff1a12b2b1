"""`nexus catalog import`: the file, the progress and the report. Only the command line imports this."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from nexus_catalog.importing.batches import Options
from nexus_catalog.importing.files import created, opened
from nexus_catalog.importing.images import Images
from nexus_catalog.importing.records import READERS, ImportFault, Reader
from nexus_catalog.importing.refused import Write, refusal_writer
from nexus_catalog.importing.rows import Refusal
from nexus_catalog.importing.run import Totals, import_currency, import_records

SHOWN = 20
"""Refused rows that are shown on the terminal."""

__all__ = ["ImportFault", "import_file"]


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
            progress.update(bar, completed=source.done())
            while reader.warnings:
                progress.console.print(reader.warnings.pop(0), markup=False, highlight=False)
    _finish(console, totals, refused, dry_run)


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
