"""The records of a file, one at a time: what cannot be read becomes a record with its fault."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, BinaryIO, Protocol

import msgspec

from nexus_kernel.spreadsheets import plain

REQUIRED = ("sku", "title", "description", "category", "price", "stock")
OPTIONAL = (
    "currency",
    "slug",
    "seller",
    "product",
    "options",
    "images",
    "image_alt",
    "active",
    "weight_grams",
)
NOTES = ("line", "reason")
"""Columns of a file of refused rows, which is read again once it is mended."""
LONGEST_RECORD = 1_048_576
"""Bytes of a record; a longer one is passed over without being read into memory."""
_DELIMITERS = (",", ";", "\t")
_KNOWN = frozenset((*REQUIRED, *OPTIONAL, *NOTES))
_MAGIC = (
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"PK\x03\x04", "a workbook or an archive"),
    (b"\x1f\x8b", "gzip under another name than .gz"),
)


class ImportFault(Exception):
    """The file as a whole cannot be imported. The message says why."""


@dataclass(slots=True)
class Record:
    """One row or object: the line it begins on, its values by lower-case column, and how it stood there."""

    line: int
    values: dict[str, Any]
    original: Any = None
    fault: str = ""


class Reader(Protocol):
    """Reads one format. `columns` are the file's own, where it names them; `warnings` grow while it reads."""

    format: str
    columns: list[str]
    delimiter: str
    warnings: list[str]

    def __iter__(self) -> Iterator[Record]: ...


class _TooLong(Exception):
    """A record passes LONGEST_RECORD."""


class _Lines:
    """The lines of a stream as bytes, none longer than LONGEST_RECORD; after `_TooLong` it can go on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.number = 0
        self.size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> bytes:
        line = self._stream.readline(LONGEST_RECORD + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.size += len(line)
        if self.number == 1:
            line = _checked_begin(line)
        if self.size > LONGEST_RECORD:
            self._skip_rest(line)
            raise _TooLong
        return line

    def _skip_rest(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._stream.readline(LONGEST_RECORD + 1)

    def start(self) -> int:
        """Begin a record; the number of its first line."""
        self.size = 0
        return self.number + 1


class CSVReader:
    """Rows with a header, separated by commas, semicolons or tabs (RFC 4180, quotes checked strictly)."""

    format = "csv"

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = _Lines(stream)
        self.columns, self.delimiter = self._header()
        self.warnings = unknown_columns(self.columns)

    def __iter__(self) -> Iterator[Record]:
        rows = csv.reader(_Decoded(self._lines), delimiter=self.delimiter, strict=True)
        while True:
            line = self._lines.start()
            try:
                cells = next(rows, None)
            except (csv.Error, _TooLong) as error:
                yield Record(line, {}, None, self._why(line, error))
                continue
            if cells is None:
                return
            if cells:
                yield self._record(line, cells)

    def _record(self, line: int, cells: list[str]) -> Record:
        values = {name: plain(cell) for name, cell in zip(self.columns, cells, strict=False)}
        record = Record(line, values, cells)
        if len(cells) != len(self.columns):
            record.fault = f"it has {len(cells)} cells where the first line has {len(self.columns)}"
        return record

    def _why(self, line: int, error: Exception) -> str:
        where = f"lines {line} to {self._lines.number}" if self._lines.number > line else "this"
        if isinstance(error, _TooLong):
            return f"{where}: longer than {LONGEST_RECORD} bytes"
        if "field limit" in str(error) or "unexpected end" in str(error):
            return f"{where}: a cell never ends; is a quote left open?"
        return f"{where}: no CSV: {error}"

    def _header(self) -> tuple[list[str], str]:
        try:
            line = next(self._lines, b"")
            if line[:4].lower() == b"sep=":  # written by Excel for itself
                line = next(self._lines, b"")
            text = line.decode("utf-8")
        except _TooLong:
            raise ImportFault("its first line is longer than a megabyte") from None
        except UnicodeDecodeError:
            raise ImportFault("it is not UTF-8 text") from None
        if "\r" in text.rstrip("\r\n"):
            raise ImportFault("its lines end with a carriage return alone; save it with LF or CRLF") from None
        found = [(_names(text, delimiter), delimiter) for delimiter in _DELIMITERS]
        columns, delimiter = max(found, key=lambda one: len(_KNOWN.intersection(one[0])))
        _check_header(columns)
        return columns, delimiter


class JSONLinesReader:
    """One JSON object a line. Blank lines are passed over."""

    format = "jsonl"
    delimiter = ""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines = _Lines(stream)
        self._decoder = msgspec.json.Decoder(float_hook=Decimal)
        self._unknown: set[str] = set()
        self.columns: list[str] = []
        self.warnings: list[str] = []

    def __iter__(self) -> Iterator[Record]:
        while True:
            line = self._lines.start()
            try:
                text = next(self._lines, None)
            except _TooLong:
                yield Record(line, {}, None, f"this is longer than {LONGEST_RECORD} bytes")
                continue
            if text is None:
                return
            if text.strip():
                yield self._record(line, text)

    def _record(self, line: int, text: bytes) -> Record:
        try:
            value = self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, RecursionError) as error:
            if line == 1 and text.lstrip().startswith(b"["):
                raise ImportFault("it is a JSON array; JSON Lines is one object a line") from None
            return Record(line, {}, None, f"this is no JSON: {error}")
        if not isinstance(value, dict):
            return Record(line, {}, None, "this is no JSON object")
        values = {str(name).strip().lower(): item for name, item in value.items()}
        self._note(values)
        record = Record(line, values, {k: v for k, v in value.items() if k not in NOTES})
        missing = [name for name in REQUIRED if name not in values]
        if len(values) != len(value):
            record.fault = "two of its names differ in upper and lower case only"
        elif missing:
            record.fault = f"{missing[0]} is missing"
        return record

    def _note(self, values: Iterable[str]) -> None:
        fresh = [name for name in values if name not in _KNOWN and name not in self._unknown]
        if fresh and len(self._unknown) < 20:
            self._unknown.update(fresh)
            self.warnings += unknown_columns(fresh)


READERS: dict[str, type[CSVReader] | type[JSONLinesReader]] = {"csv": CSVReader, "jsonl": JSONLinesReader}


class _Decoded:
    """The lines as text; bytes that are no UTF-8 become lone surrogates, which `rows` refuses."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines

    def __iter__(self) -> "_Decoded":
        return self

    def __next__(self) -> str:
        return next(self._lines).decode("utf-8", "surrogateescape")


def unknown_columns(columns: Iterable[str]) -> list[str]:
    """A sentence for each column that the import does not know and leaves alone."""
    sentences = []
    for name in columns:
        if name and name not in _KNOWN:
            close = get_close_matches(name, _KNOWN, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            sentences.append(f"column {name[:40]!r} is unknown and not imported{hint}")
    return sentences


def _checked_begin(line: bytes) -> bytes:
    for magic, kind in _MAGIC:
        if line.startswith(magic):
            raise ImportFault(f"it is not UTF-8 text but {kind}; save it as CSV in UTF-8, or as JSON Lines")
    return line.removeprefix(b"\xef\xbb\xbf")


def _names(text: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []
    return [plain(name).strip().lower() for name in cells]


def _check_header(columns: list[str]) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise ImportFault(
            f"its first line must name the columns {', '.join(REQUIRED)}; {missing[0]} is missing"
        )
    twice = [name for name in columns if name in _KNOWN and columns.count(name) > 1]
    if twice:
        raise ImportFault(f"its first line names the column {twice[0]} twice")
