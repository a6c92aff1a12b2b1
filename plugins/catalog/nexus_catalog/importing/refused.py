"""Files of refused rows: in the format of the input, so that one can mend them and import them again."""

import csv
import io
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from nexus_catalog.importing.records import NOTES, Reader
from nexus_catalog.importing.rows import Refusal
from nexus_kernel.spreadsheets import inert, plain

Write = Callable[[Refusal], None]


def refusal_writer(stream: BinaryIO, reader: Reader) -> Write:
    """Writes refused rows with their line and reason first, and then as they stood in the file."""
    return _csv_writer(stream, reader) if reader.format == "csv" else _json_writer(stream)


def _csv_writer(stream: BinaryIO, reader: Reader) -> Write:
    kept = [number for number, name in enumerate(reader.columns) if name not in NOTES]

    def write_cells(cells: list[str]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=reader.delimiter, lineterminator="\n").writerow(cells)
        stream.write(text.getvalue().encode("utf-8", "surrogateescape"))

    def write(refusal: Refusal) -> None:
        cells = refusal.record.original or []
        more = range(len(reader.columns), len(cells))
        own = [cells[number] for number in (*kept, *more) if number < len(cells)]
        notes = [str(refusal.record.line), refusal.reason]
        write_cells([inert(plain(cell)) for cell in (*notes, *own)])

    write_cells([*NOTES, *(reader.columns[number] for number in kept)])
    return write


def _json_writer(stream: BinaryIO) -> Write:
    encoder = msgspec.json.Encoder(decimal_format="number")

    def write(refusal: Refusal) -> None:
        notes = {"line": refusal.record.line, "reason": refusal.reason}
        stream.write(encoder.encode(notes | (refusal.record.original or {})) + b"\n")

    return write
