"""Rows as CSV or JSON Lines, in pieces of bytes."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import orjson

from nexus_catalog.exporting.rows import COLUMNS
from nexus_kernel import spreadsheets

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_ROWS = 200
"""Rows a piece."""


def encoded(rows: Iterable[dict[str, Any]], format: str, columns: Sequence[str] = COLUMNS) -> Iterator[bytes]:
    """The file, a piece at a time; a CSV begins with its header."""
    rows = iter(rows)
    piece = _csv_piece if format == "csv" else _json_piece
    if format == "csv":
        yield _csv_piece([dict(zip(columns, columns, strict=True))], columns)
    while some := list(islice(rows, _ROWS)):
        yield piece(some, columns)


def _csv_piece(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> bytes:
    return spreadsheets.csv_rows([_cell(row[column]) for column in columns] for row in rows)


def _json_piece(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return orjson.dumps(value).decode() if value else ""
    if isinstance(value, list):
        return " | ".join(value) if any(value) else ""
    return str(value)
