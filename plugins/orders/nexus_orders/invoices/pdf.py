"""How an invoice looks: A4, as many pages as its lines need, the same bytes for the same document.

Importing this module imports fpdf2, which takes half a second: only who renders does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from fpdf import FPDF

from nexus_kernel.contracts.orders import PricePhase
from nexus_orders.invoices.document import percent

FONTS = Path(__file__).parent / "fonts"
LONGEST_TITLE = 300
_FAMILY = "NotoSans"
_MARGIN = 15.0
_WIDTH = 210.0 - 2 * _MARGIN
_LINE = 4.5
_GREY, _BLACK = 110, 0


class Column(NamedTuple):
    """A column of the lines: its heading, its width in mm, and the name of its value."""

    heading: str
    width: float
    value: str


COLUMNS = (
    Column("Item", 64, "title"),
    Column("Qty", 14, "quantity"),
    Column("Unit price", 26, "unit_price"),
    Column("Discount", 24, "discount"),
    Column("Tax", 24, "tax"),
    Column("Amount", 28, "total"),
)


def render(document: Mapping[str, Any]) -> bytes:
    """The invoice as a PDF. `document` is one of `invoice_document`."""
    page = _Invoice(document)
    page.add_page()
    page.put_parties()
    page.put_lines(document["lines"])
    page.put_totals()
    return bytes(page.output())


class _Invoice(FPDF):
    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(format="A4")
        self._document = document
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(False, 2 * _MARGIN)
        for style, name in (("", "Regular"), ("B", "Bold")):
            self.add_font(_FAMILY, style, FONTS / f"NotoSans-{name}.ttf")
        self.set_font(_FAMILY, "", 9)
        # Nothing that differs between two runs, or between two versions of the library, goes into the file.
        self.set_creation_date(datetime.fromisoformat(document["issued_at"]))
        self.set_producer("nexus-orders")
        self.set_title(f"Invoice {document['number']}")
        self.set_author(document["seller"]["name"])
        self.set_lang("en")

    def header(self) -> None:
        """On every page: what this is, and whose."""
        self.set_font(_FAMILY, "B", 15)
        self.cell(_WIDTH / 2, 8, "Invoice")
        self._right(_WIDTH / 2, 8, self._document["number"], size=11, bold=True)
        self.ln(12)

    def footer(self) -> None:
        """On every page: the number again, and which page it is."""
        self.set_y(-_MARGIN)
        self._grey(f"{self._document['number']}, page {self.page_no()} of {{nb}}", align="C")

    def put_parties(self) -> None:
        """The seller at the left, the buyer at the right, dates below."""
        told, seller, buyer = self._document, self._document["seller"], self._document["buyer"]
        tax_id = [f"Tax id: {seller['tax_id']}"] if seller["tax_id"] else []
        begin = self.get_y()
        self._block(_MARGIN, begin, "Seller", [seller["name"], *seller["address"].splitlines(), *tax_id])
        left = self.get_y()
        self._block(_MARGIN + _WIDTH / 2, begin, "Buyer", _buyer_lines(buyer))
        self.set_y(max(left, self.get_y()) + 4)
        for label, value in (
            ("Date", told["date"]),
            ("Order", f"{told['order_number']} of {told['placed_at'][:10]}"),
            ("Payment", f"{told['payment']} ({told['payment_status'].replace('_', ' ')})"),
        ):
            self.set_font(_FAMILY, "B", 9)
            self.cell(24, 5, label)
            self.set_font(_FAMILY, "", 9)
            self.multi_cell(_WIDTH - 24, 5, _clean(value), new_x="LMARGIN", new_y="NEXT")
        self.ln(4)

    def put_lines(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """The table of the lines; its head comes again on every page."""
        self._head()
        for line in lines:
            title = _shortened(_clean(line["title"]))
            self.set_font(_FAMILY, "", 9)
            height = _LINE * (len(self._broken(COLUMNS[0].width, title)) + 1) + 1
            if self._make_room(height):
                self._head()
            self._line(line, title, height)

    def put_totals(self) -> None:
        """What it all comes to, each adjustment by its name."""
        told = self._document
        rows = [("Subtotal", told["subtotal"]), *map(_adjustment_row, told["adjustments"])]
        self._make_room(6.0)
        self.ln(2)
        for label, amount in rows:
            self._total(label, amount)
        self._total(f"Total {told['currency']}", told["total"], bold=True)

    def _head(self) -> None:
        self.set_font(_FAMILY, "B", 8)
        for column in COLUMNS:
            self.cell(column.width, 6, column.heading, align="L" if column is COLUMNS[0] else "R", border="B")
        self.ln(7)

    def _line(self, line: Mapping[str, Any], title: str, height: float) -> None:
        begin = self.get_y()
        self.set_font(_FAMILY, "", 9)
        self.multi_cell(COLUMNS[0].width, _LINE, title, align="L", new_x="LMARGIN", new_y="NEXT")
        self._grey(_shortened(_clean(line["sku"])), width=COLUMNS[0].width)
        self.set_xy(_MARGIN + COLUMNS[0].width, begin)
        for column in COLUMNS[1:]:
            self._right(column.width, _LINE, str(line[column.value]))
        self.set_xy(_MARGIN, begin + height)

    def _total(self, label: str, amount: str, *, bold: bool = False) -> None:
        label = _shortened(_clean(label))
        width = _WIDTH - COLUMNS[-1].width - 10
        self.set_font(_FAMILY, "B" if bold else "", 10 if bold else 9)
        height = 5 * len(self._broken(width, label))
        self._make_room(height)
        begin = self.get_y()
        self.set_font(_FAMILY, "B" if bold else "", 10 if bold else 9)
        self.multi_cell(width, 5, label, align="R", new_x="RIGHT", new_y="TOP")
        self.set_xy(_MARGIN + width, begin)
        self._right(_WIDTH - width, 5, amount, size=10 if bold else 9, bold=bold)
        self.set_xy(_MARGIN, begin + height)

    def _block(self, x: float, y: float, heading: str, lines: Sequence[str]) -> None:
        self.set_xy(x, y)
        self._grey(heading, width=_WIDTH / 2)
        for number, line in enumerate(filter(None, map(_clean, lines))):
            self.set_font(_FAMILY, "" if number else "B", 9)
            self.set_x(x)
            self.multi_cell(_WIDTH / 2 - 5, _LINE, line, align="L", new_x="LEFT", new_y="NEXT")

    def _make_room(self, height: float) -> bool:
        """Begin another page when this one has no room for so much; says whether it did."""
        if self.get_y() + height <= self.h - 2 * _MARGIN:
            return False
        self.add_page()
        return True

    def _right(self, width: float, height: float, text: str, *, size: float = 9, bold: bool = False) -> None:
        """A word at the right of a cell, smaller where it would not fit."""
        self.set_font(_FAMILY, "B" if bold else "", size)
        wanted = self.get_string_width(text)
        if wanted > width - 2:
            self.set_font_size(size * (width - 2) / wanted)
        self.cell(width, height, text, align="R")

    def _grey(self, text: str, *, width: float = 0, align: str = "L") -> None:
        self.set_font(_FAMILY, "", 7.5)
        self.set_text_color(_GREY)
        self.cell(width, _LINE, text, align=align, new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(_BLACK)

    def _broken(self, width: float, text: str) -> list[str]:
        return self.multi_cell(width, _LINE, text, dry_run=True, output="LINES")


def _buyer_lines(buyer: Mapping[str, Any]) -> list[str]:
    address = buyer["address"]
    recipient = address["recipient"] if address["recipient"] != buyer["name"] else ""
    town = f"{address['postal_code']} {address['city']}".strip()
    region = ", ".join(filter(None, (address["region"], address["country"])))
    return [buyer["name"], buyer["email"], recipient, address["address_line"], town, region]


def _adjustment_row(adjustment: Mapping[str, Any]) -> tuple[str, str]:
    rate = f" ({percent(adjustment['rate'])})" if adjustment["rate"] else ""
    is_off = adjustment["phase"] in (PricePhase.DISCOUNT, PricePhase.SHIPPING_DISCOUNT)
    amount = f"-{adjustment['amount']}" if is_off else adjustment["amount"]
    included = "Included in the prices: " if adjustment["included"] else ""
    return f"{included}{adjustment['label']}{rate}", amount


def _clean(text: str) -> str:
    """One line of text; what cannot be seen becomes a blank."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"
