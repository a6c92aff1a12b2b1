"""Reading the file: each line becomes a row to store or a refusal with its reason. Nothing is stored here."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nexus_catalog.models import LARGEST_QUANTITY
from nexus_catalog.services.categories import DEEPEST
from nexus_kernel import Money
from nexus_kernel.money import MoneyError

COLUMNS = ("sku", "title", "description", "category", "price", "stock")
_LONGEST = {"sku": 64, "title": 200, "description": 20_000}
_DECIMAL = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,10}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class ImportFault(Exception):
    """The file as a whole cannot be imported. The message says why."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A checked row. `category` is the path from its root, empty for none."""

    line: int
    sku: str
    title: str
    description: str
    category: tuple[str, ...]
    price: Money
    stock: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is not imported: the line it ends on, its SKU as far as it has one, and why."""

    line: int
    sku: str
    reason: str


def read_rows(lines: Iterable[str], currency: str) -> Iterator[ImportRow | Refusal]:
    """Every row of the file, one at a time. Raises ImportFault when there is no sense in it at all."""
    reader = csv.reader(lines)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise ImportFault(f"its first line is no CSV: {error}") from None
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise ImportFault(
            f"its first line must name the columns {', '.join(COLUMNS)}; {missing[0]} is missing"
        )
    seen: set[str] = set()
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Refusal(reader.line_num, "", f"this is no CSV: {error}")
            continue
        if cells is None:
            return
        if cells:
            yield _checked(reader.line_num, header, cells, currency, seen)


def _checked(
    line: int, header: Sequence[str], cells: Sequence[str], currency: str, seen: set[str]
) -> ImportRow | Refusal:
    values = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    sku = values.get("sku", "")
    try:
        if len(cells) != len(header):
            raise ValueError(f"it has {len(cells)} cells where the first line has {len(header)}")
        row = _row(line, values, currency)
        if sku in seen:
            raise ValueError("the SKU comes twice in this file; the first row counts")
    except ValueError as error:
        return Refusal(line, sku[:64], str(error))
    seen.add(sku)
    return row


def _row(line: int, values: Mapping[str, str], currency: str) -> ImportRow:
    for name, longest in _LONGEST.items():
        if not values[name] and name != "description":
            raise ValueError(f"{name} is empty")
        if len(values[name]) > longest:
            raise ValueError(f"{name} has more than {longest} characters")
    for name in ("sku", "title", "description", "category"):
        if _CONTROL.search(values[name]):
            raise ValueError(f"{name} contains control characters")
    return ImportRow(
        line,
        values["sku"],
        values["title"],
        values["description"],
        _category(values["category"]),
        _price(values["price"], currency),
        _stock(values["stock"]),
    )


def _category(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    path = tuple(" ".join(name.split()) for name in text.split(">"))
    if not all(path) or max(map(len, path)) > 100:
        raise ValueError('category must be names of 1 to 100 characters, such as "Home > Garden"')
    if len(path) > DEEPEST:
        raise ValueError(f"category is more than {DEEPEST} levels deep")
    return path


def _price(text: str, currency: str) -> Money:
    if not text:
        raise ValueError("price is empty")
    if text.startswith("-") and _DECIMAL.fullmatch(text[1:]):
        raise ValueError(f"price must not be negative, and is {text}")
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"price must be a plain decimal such as 1000.00, not {text[:40]!r}")
    try:
        return Money.parse(text, currency)
    except MoneyError as error:
        raise ValueError(f"price {text}: {error}") from None


def _stock(text: str) -> int:
    if not _WHOLE.fullmatch(text) or int(text) > LARGEST_QUANTITY:
        raise ValueError(f"stock must be a whole number from 0 to {LARGEST_QUANTITY}, not {text[:40]!r}")
    return int(text)
