"""`nexus catalog import`: the file, the batches, the progress and the report."""

import csv
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click
import orjson
from rich.console import Console
from rich.progress import Progress

from nexus_catalog.config import CatalogConfig
from nexus_catalog.importing.batches import Outcome, store_batch
from nexus_catalog.importing.rows import ImportFault, ImportRow, Refusal, read_rows
from nexus_kernel import settings
from nexus_kernel.currencies import EXPONENTS

BATCH = 500
"""Rows a transaction."""
SHOWN = 20
"""Refused rows that are shown on the terminal."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

__all__ = ["ImportFault", "import_file"]


class Report:
    """Counts what happened; writes refused rows to a file, or shows the first ones."""

    def __init__(self, console: Console, write: Callable[[Refusal], None] | None) -> None:
        self.total = Outcome()
        self.refused = 0
        self._console = console
        self._write = write

    def refuse(self, refusal: Refusal) -> None:
        """Note a refused row."""
        self.refused += 1
        if self._write is not None:
            self._write(refusal)
        elif self.refused <= SHOWN:
            text = f"line {refusal.line}, {refusal.sku or 'no SKU'}: {refusal.reason}"
            self._console.print(text, markup=False, highlight=False)

    def add(self, outcome: Outcome) -> None:
        """Note what became of a batch."""
        self.total.created += outcome.created
        self.total.updated += outcome.updated
        self.total.unchanged += outcome.unchanged
        for refusal in outcome.refusals:
            self.refuse(refusal)

    def finish(self, dry_run: bool) -> None:
        """The sentence for people on standard error, and the figures as JSON on standard output."""
        if self._write is None and self.refused > SHOWN:
            self._console.print(f"and {self.refused - SHOWN} more; --refused PATH writes them all to a file")
        counts = {k: v for k, v in asdict(self.total).items() if k != "refusals"} | {"refused": self.refused}
        words = ", ".join(f"{number} {word}" for word, number in counts.items())
        self._console.print(f"{'dry run, nothing is stored: ' if dry_run else ''}{words}", highlight=False)
        click.echo(orjson.dumps({"catalog": counts | {"dry_run": dry_run}}))


def import_file(
    file: Path, *, currency: str | None, dry_run: bool, refused: Path | None, set_stock: bool
) -> None:
    """Import the file, a batch at a time. Raises ImportFault when it cannot be read.

    What earlier batches stored stays stored; the same command goes on from there.
    """
    currency = currency or settings(CatalogConfig).currency
    if currency not in EXPONENTS:
        raise ImportFault(f"{currency!r} is no active ISO 4217 currency code")
    console = Console(stderr=True)
    with _opened(file) as raw, _refusals(refused) as write, Progress(console=console) as progress:
        report = Report(progress.console, write)
        bar = progress.add_task("Products", total=os.fstat(raw.fileno()).st_size or None)
        for batch in _batches(_rows(file, raw, currency), report):
            report.add(store_batch(batch, dry_run=dry_run, set_stock=set_stock))
            progress.update(bar, completed=raw.tell() if raw.seekable() else 0)
    report.finish(dry_run)


def _rows(file: Path, raw: BinaryIO, currency: str) -> Iterator[ImportRow | Refusal]:
    text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
    try:
        yield from read_rows(text, currency)
    except UnicodeDecodeError:
        raise ImportFault(f"{file} is not UTF-8 text; rows before the fault may be stored already") from None
    except OSError as error:
        raise ImportFault(f"{file} cannot be read: {error.strerror}") from None
    except ImportFault as fault:
        raise ImportFault(f"{file}: {fault}") from None
    finally:
        text.detach()


def _batches(rows: Iterator[ImportRow | Refusal], report: Report) -> Iterator[list[ImportRow]]:
    batch: list[ImportRow] = []
    for row in rows:
        if isinstance(row, Refusal):
            report.refuse(row)
            continue
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    try:
        raw = file.open("rb")
    except OSError as error:
        raise ImportFault(f"{file} cannot be read: {error.strerror}") from None
    with raw:
        yield raw


@contextmanager
def _refusals(path: Path | None) -> Iterator[Callable[[Refusal], None] | None]:
    with nullcontext() if path is None else _created(path) as stream:
        if stream is None:
            yield None
            return
        writer = csv.writer(stream)
        writer.writerow(["line", "sku", "reason"])
        yield lambda refusal: writer.writerow([refusal.line, _inert(refusal.sku), _inert(refusal.reason)])


def _created(path: Path) -> io.TextIOWrapper:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise ImportFault(f"{path} cannot be written: {error.strerror}") from None


def _inert(cell: str) -> str:
    """The cell as text that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
