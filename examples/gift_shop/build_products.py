"""Derive the products of the gift shop from its transactions.

    python build_products.py TRANSACTIONS.csv.gz [--output PRODUCTS.csv]

TRANSACTIONS.csv.gz has the columns invoice_no, stock_code, description, quantity, invoiced_at, unit_price and
country. The same input gives the same bytes. The rules are told in README.md; the standard library is enough.
"""

import argparse
import csv
import gzip
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import median

from product_categories import categorise
from product_titles import choose_description, readable_title

COLUMNS = ("sku", "title", "description", "category", "price", "stock")
DEFAULT_OUTPUT = Path(__file__).parent / "nexus_gift_shop" / "data" / "products.csv"
STOCK_DAYS = 28

_PRODUCT_CODE = re.compile(r"\d{5}[A-Z]{0,2}|DCGS(?:\d{4}|SBOY|SGIRL)")
_SERVICE = re.compile(r"\b(?:gift voucher|next day carriage|packing charge|postage)\b", re.IGNORECASE)
_NO_COUNTRY = frozenset({"Unspecified", "European Community"})
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; the price is that of one piece, in the currency of the shop."""

    invoice_no: str
    stock_code: str
    description: str
    quantity: int
    day: date
    unit_price: Decimal
    country: str

    @property
    def is_cancellation(self) -> bool:
        """Whether the invoice takes back an earlier one; its number begins with C."""
        return self.invoice_no.upper().startswith("C")

    @property
    def is_sale(self) -> bool:
        """Whether pieces were sold for money: corrections, samples and bad debts were not."""
        return not self.is_cancellation and self.quantity > 0 and self.unit_price > 0


@dataclass(slots=True)
class Record:
    """What all the lines of one stock code say about it."""

    names: Counter[str] = field(default_factory=Counter)
    other_names: Counter[str] = field(default_factory=Counter)
    prices: list[Decimal] = field(default_factory=list)
    invoices: set[str] = field(default_factory=set)
    countries: set[str] = field(default_factory=set)
    units_sold: int = 0
    units_cancelled: int = 0

    def add(self, line: Line) -> None:
        if line.is_sale:
            self._add_sale(line)
        elif line.description:
            self.other_names[line.description] += 1
        if line.is_cancellation:
            self.units_cancelled += max(0, -line.quantity)

    def _add_sale(self, line: Line) -> None:
        self.names[line.description] += 1
        self.prices.append(line.unit_price)
        self.invoices.add(line.invoice_no)
        self.units_sold += line.quantity
        if line.country not in _NO_COUNTRY:
            self.countries.add(line.country)

    @property
    def description(self) -> str | None:
        """The name in use: that of the sales, else that of the other lines, else None."""
        return choose_description(self.names) or choose_description(self.other_names)


@dataclass(frozen=True, slots=True)
class Period:
    """The first and the last day of the transactions, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def months(self) -> int:
        """Calendar months begun."""
        return (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1


@dataclass(frozen=True, slots=True)
class Catalog:
    """The rows of products.csv in the order of their SKU, and what was left out: stock code -> reason."""

    rows: list[dict[str, str]]
    refused: dict[str, str]


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a transactions file; stock codes in upper case, whitespace normalised.

    Raises KeyError on a missing column, ValueError or decimal.InvalidOperation on a malformed figure.
    """
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield parse_line(row)


def parse_line(row: Mapping[str, str]) -> Line:
    return Line(
        invoice_no=row["invoice_no"].strip(),
        stock_code=row["stock_code"].strip().upper(),
        description=" ".join(row["description"].split()),
        quantity=int(row["quantity"]),
        day=date.fromisoformat(row["invoiced_at"][:10]),
        unit_price=Decimal(row["unit_price"]),
        country=row["country"].strip(),
    )


def collect(lines: Iterable[Line]) -> tuple[dict[str, Record], Period]:
    """Sum the lines up by stock code. Raises ValueError when there is no line."""
    records: dict[str, Record] = {}
    days: set[date] = set()
    for line in lines:
        records.setdefault(line.stock_code, Record()).add(line)
        days.add(line.day)
    if not days:
        raise ValueError("there is no transaction")
    return records, Period(min(days), max(days))


def refusal(code: str, record: Record) -> str | None:
    """Why a stock code is left out of the catalog; None for a product."""
    if not _PRODUCT_CODE.fullmatch(code):
        return "no product code"
    if not record.prices:
        return "never sold"
    if record.description is None:
        return "no name"
    if _SERVICE.search(record.description):
        return "a service or voucher"
    return "price below 0.01" if median_price(record.prices) < _CENT else None


def median_price(prices: Iterable[Decimal]) -> Decimal:
    """The median with two decimals, ROUND_HALF_UP."""
    return median(prices).quantize(_CENT, ROUND_HALF_UP)


def stock_of(record: Record, period: Period) -> int:
    """Four weeks of average net sales, rounded up; 0 when all that was sold came back."""
    net = max(0, record.units_sold - record.units_cancelled)
    return -(-net * STOCK_DAYS // period.days)


def describe(record: Record, period: Period) -> str:
    """One sentence of facts: pieces and orders before cancellations, and the countries they went to."""
    orders = _count(len(record.invoices), "order", "orders")
    months = _count(period.months, "month", "months")
    sentence = f"{record.units_sold:,} sold in {orders} over {months}"
    if record.countries:
        sentence += f"; ordered from {_count(len(record.countries), 'country', 'countries')}"
    return sentence + "."


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number:,} {singular if number == 1 else plural}"


def product_row(code: str, record: Record, period: Period) -> dict[str, str]:
    """The row of a stock code that is not refused."""
    title = readable_title(record.description or "")
    return {
        "sku": code,
        "title": title,
        "description": describe(record, period),
        "category": categorise(title),
        "price": str(median_price(record.prices)),
        "stock": str(stock_of(record, period)),
    }


def build(lines: Iterable[Line]) -> Catalog:
    """Products and refusals of a set of transactions. Raises ValueError when there is no line."""
    records, period = collect(lines)
    reasons = {code: refusal(code, records[code]) for code in sorted(records)}
    rows = [product_row(code, records[code], period) for code, reason in reasons.items() if reason is None]
    return Catalog(rows, {code: reason for code, reason in reasons.items() if reason is not None})


def write_products(rows: Iterable[Mapping[str, str]], path: Path) -> None:
    """UTF-8, LF, a header: the format that the catalog import reads."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def report(catalog: Catalog) -> str:
    """The figures of a run, one a line."""
    refused = Counter(catalog.refused.values())
    parts = [f"{len(catalog.rows)} products, {len(catalog.refused)} stock codes left out"]
    for reason, count in sorted(refused.items()):
        codes = [code for code, why in catalog.refused.items() if why == reason]
        parts.append(f"  {reason}: {count} ({', '.join(codes[:30])}{', ...' if count > 30 else ''})")
    leaves = Counter(row["category"] for row in catalog.rows)
    parts += [f"  {path}: {count}" for path, count in sorted(leaves.items())]
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Read, build, write, report; the process exit code."""
    parser = argparse.ArgumentParser(
        description="Derive the products of the gift shop from its transactions."
    )
    parser.add_argument("transactions", type=Path, help="the gzipped CSV file of transactions")
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="where the products go")
    options = parser.parse_args(arguments)
    catalog = build(read_lines(options.transactions))
    write_products(catalog.rows, options.output)
    print(report(catalog))
    return 0


if __name__ == "__main__":
    sys.exit(main())
