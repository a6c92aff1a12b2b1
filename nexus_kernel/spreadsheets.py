"""CSV that spreadsheets open: text is never taken for a formula, numbers stay numbers, nothing is lost.

A prefix is the remedy that OWASP names (CSV injection). Libraries that do it change text for good; here
`plain` takes the prefix off again, so that a file can be read back.
"""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

BOM = b"\xef\xbb\xbf"
"""Before the first piece of a file it tells Excel that the text is UTF-8, else it reads it in a code page."""
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def inert(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would take for a formula.

    `plain` takes it off again; text that already looks like that gets one more, so nothing is lost.
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """The cell without the apostrophe of `inert`."""
    return cell[1:] if _ESCAPED.match(cell) else cell


def csv_rows(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as a piece of a CSV file (RFC 4180, UTF-8). Text is made inert; None is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerows([inert(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode()
