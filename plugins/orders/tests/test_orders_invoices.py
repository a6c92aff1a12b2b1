"""Invoices: issued once, numbered without a gap, final, and readable in every script that the font has."""

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from nexus_orders.invoices import pdf
from nexus_orders.invoices.document import percent
from nexus_orders.models import InvoiceSeries, Order, OrderInvoice
from nexus_orders.services import invoices
from pypdf import PdfReader
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from nexus_kernel import Money, StartupError, new_id, now, reading, transaction
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.testing import StandInAccounts, auth_headers, count_queries, in_threads
from nexus_kernel.testing.fixtures import make_app

SELLER = {
    "seller_name": "ሸማ ንግድ Trading PLC",
    "seller_address": "Churchill Ave 3\nAddis Ababa",
    "seller_tax_id": "0012345678",
}


@pytest.fixture
def nexus_config():
    return {"orders": SELLER}


@pytest.fixture
def confirmed(app, order, catalog):
    """An order that staff confirmed; its body."""

    def make(*lines, **columns):
        placed = order(*(lines or [(catalog.add(available=500), 1)])).json
        columns = {"status": "confirmed", **columns}
        with app.app_context(), transaction() as session:
            session.execute(update(Order).where(Order.number == placed["number"]).values(columns))
        return placed

    return make


@pytest.fixture
def invoice(client, staff):
    return lambda placed, headers=staff: client.get(f"/api/orders/{placed['id']}/invoice/", headers=headers)


def words(answer) -> str:
    """What a reader sees, in one line."""
    assert answer.status_code == 200, answer.text
    return " ".join(
        " ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages).split()
    )


def issued(app) -> list[OrderInvoice]:
    with app.app_context(), reading() as session:
        return list(session.scalars(select(OrderInvoice).order_by(OrderInvoice.sequence)))


def test_an_invoice_says_who_sold_what_to_whom_for_how_much(app, catalog, bazaar, invoice, confirmed, person):
    people = StandInAccounts()
    known = people.add("abebe@example.com")
    people.people[person] = replace(people.people[known], id=person, first_name="አበበ", last_name="ቢቂላ")
    bazaar.discount.adds(1000, "Welcome")
    bazaar.shipping.adds(5000, "Courier")
    bazaar.shipping_discount.adds(2000, "Cheap parcels")
    bazaar.tax.adds(7350, "VAT")
    pot, lamp = catalog.add(Money(20000, "ETB"), title="ጀበና፣ ትልቅ"), catalog.add(title="Brass lamp é€")
    placed = confirmed((pot, 2), (lamp, 1))
    with app.extensions["nexus"].services.override(AccountService, lambda session: people):
        answer = invoice(placed)
    (row,) = issued(app)
    assert answer.content_type == "application/pdf" and answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{row.number}.pdf"'
    assert row.number == f"INV-{now().year}-000001"
    seen = words(answer)
    for part in (
        row.number, "Seller", "ሸማ ንግድ Trading PLC", "Churchill Ave 3", "Tax id: 0012345678",
        "Buyer", "አበበ ቢቂላ", "abebe@example.com", "Bole Road 7", "1000 Addis Ababa", "ET",
        f"{now():%Y-%m-%d}", placed["number"], "ጀበና፣ ትልቅ", pot.sku, "Brass lamp é€", "200.00",
        "Subtotal 650.00", "Welcome -10.00", "Courier 50.00", "Cheap parcels -20.00", "VAT 73.50",
        "Total ETB 743.50", placed["items"][0]["discount"], placed["items"][0]["total"], "page 1 of 1",
    ):  # fmt: skip
        assert part in seen, f"{part!r} is not in {seen}"


def test_the_letters_are_drawn_and_not_boxes(app, catalog, invoice, confirmed):
    answer = invoice(confirmed((catalog.add(title="ላምባዲና ኢትዮጵያ"), 1)))
    page = PdfReader(io.BytesIO(answer.data)).pages[0]
    fonts = page["/Resources"]["/Font"].get_object()
    embedded = [font.get_object()["/DescendantFonts"][0].get_object() for font in fonts.values()]
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in embedded)
    drawn = {
        glyph
        for font in fonts.values()
        for glyph in font.get_object()["/ToUnicode"].get_object().get_data().decode().split()
    }
    assert all(any(f"{ord(letter):04X}" in glyph for glyph in drawn) for letter in "ላምባዲናኢትዮጵያ")


@pytest.mark.parametrize("letter", "abc éßłđ ăđơư АБВ αβγ ሀሁሂ ጵፅ ⶀ ꬁ ፩ ፡። €£₦¥ \u2013\u2014“”…№™")
def test_the_font_has_the_letter(letter):
    page = pdf._Invoice({"issued_at": "2026-01-01T00:00:00+00:00", "number": "X", "seller": {"name": ""}})
    for font in page.fonts.values():
        assert ord(letter) in font.cmap, f"{letter!r} is not in {font.name}"


def test_a_hundred_lines_take_several_pages_and_none_is_lost(catalog, invoice, confirmed):
    titles = [f"Lamp {number} " + "ረጅም ስም " * (number % 12) for number in range(100)]
    placed = confirmed(*[(catalog.add(title=title.strip(), available=5), 1) for title in titles])
    answer = invoice(placed)
    pages = PdfReader(io.BytesIO(answer.data)).pages
    assert 3 <= len(pages) <= 10
    seen = words(answer)
    assert [number for number in range(100) if f"Lamp {number} " not in seen] == []
    for number, page in enumerate(pages, 1):
        told = page.extract_text()
        assert f"page {number} of {len(pages)}" in told
        assert ("Unit price" in told) or number == len(pages)


def test_the_largest_amounts_and_longest_texts_fit(invoice, confirmed, catalog, app):
    placed = confirmed(
        (catalog.add(Money(99_999_999_999_999, "ETB"), title="W" * 1000), 1),
        address_line="x" * 300,
        city="ባ" * 100,
        recipient="y" * 150,
    )
    seen = words(invoice(placed))
    assert "999999999999.99" in seen and "…" in seen


def test_it_is_the_same_for_ever(app, client, invoice, confirmed, staff, buyer):
    placed = confirmed()
    first = invoice(placed)
    with app.app_context(), transaction() as session:
        changes = {"city": "Elsewhere", "status": "cancelled", "payment_status": "refunded"}
        session.execute(update(Order).values(changes))
    again = invoice(placed, buyer)
    assert again.status_code == 200 and again.data == first.data
    assert len(issued(app)) == 1


def test_erasing_the_buyer_leaves_the_invoice(app, invoice, confirmed, person):
    placed = confirmed(status="delivered")
    before = invoice(placed)
    with app.app_context(), transaction():
        app.extensions["nexus"].data_subjects["orders"].erase(person)
    assert invoice(placed).data == before.data


@pytest.mark.parametrize(
    ("status", "payment_status", "expected"),
    [
        ("pending", "pending", 409),
        ("pending", "failed", 409),
        ("pending", "paid", 200),
        ("confirmed", "pending", 200),
        ("confirmed", "paid", 200),
        ("shipped", "pending", 200),
        ("delivered", "refunded", 200),
        ("confirmed", "needs_review", 409),
        ("cancelled", "pending", 409),
        ("cancelled", "needs_review", 409),
        ("cancelled", "refunded", 409),
    ],
)
def test_only_what_is_sold_is_invoiced(app, invoice, confirmed, status, payment_status, expected):
    answer = invoice(confirmed(status=status, payment_status=payment_status))
    assert answer.status_code == expected
    assert len(issued(app)) == (expected == 200)
    if expected == 409:
        assert answer.json["code"] == "orders.not_invoiced"


def test_a_strangers_invoice_is_not_found_and_nothing_is_issued(app, client, invoice, confirmed, buyer):
    placed = confirmed()
    assert invoice(placed, auth_headers(app)).status_code == 404
    assert invoice(placed, {}).status_code == 401
    assert invoice({"id": new_id()}).status_code == 404
    assert issued(app) == []
    assert invoice(placed, buyer).status_code == 200
    assert invoice(placed, auth_headers(app)).status_code == 404


def test_one_order_asked_for_many_times_at_once_has_one_invoice(app, confirmed, staff):
    url = f"/api/orders/{confirmed()['id']}/invoice/"
    answers = in_threads([lambda: app.test_client().get(url, headers=staff)] * 8)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.data for answer in answers}) == 1
    assert [row.number for row in issued(app)] == [f"INV-{now().year}-000001"]


def test_numbers_have_no_gap_however_many_are_issued_or_fail_at_once(app, confirmed, staff, monkeypatch):
    """Every third one fails after its number was taken."""
    urls = [f"/api/orders/{confirmed()['id']}/invoice/" for _ in range(12)]
    made, calls = invoices.invoice_document, []

    def fails_at_times(**told):
        calls.append(1)
        if len(calls) % 3 == 0:
            raise RuntimeError("no more paper")
        return made(**told)

    monkeypatch.setattr(invoices, "invoice_document", fails_at_times)
    app.testing = False
    answers = in_threads([lambda url=url: app.test_client().get(url, headers=staff) for url in urls])
    assert sorted(answer.status_code for answer in answers) == [200] * 8 + [500] * 4
    rows = issued(app)
    assert [row.sequence for row in rows] == list(range(1, 9))
    assert [row.issued_at for row in rows] == sorted(row.issued_at for row in rows)
    monkeypatch.setattr(invoices, "invoice_document", made)
    for url in urls:
        assert app.test_client().get(url, headers=staff).status_code == 200
    assert [row.sequence for row in issued(app)] == list(range(1, 13))


def test_each_year_counts_for_itself(app, invoice, confirmed, monkeypatch):
    last, first = datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    for time in (last, last, first):
        placed = confirmed()
        monkeypatch.setattr(invoices, "now", lambda time=time: time)
        invoice(placed)
    numbers = sorted(row.number for row in issued(app))
    assert numbers == ["INV-2026-000001", "INV-2026-000002", "INV-2027-000001"]


@pytest.mark.parametrize(
    "nexus_config", [{"orders": {**SELLER, "invoice_time_zone": "Africa/Addis_Ababa", "invoice_series": "A"}}]
)
def test_a_year_begins_where_the_shop_is(app, invoice, confirmed, monkeypatch):
    for minute in (datetime(2026, 12, 31, 20, 59, tzinfo=UTC), datetime(2026, 12, 31, 21, 0, tzinfo=UTC)):
        placed = confirmed()
        monkeypatch.setattr(invoices, "now", lambda time=minute: time)
        seen = words(invoice(placed))
        assert ("2026-12-31" in seen) != ("2027-01-01" in seen)
    assert sorted(row.number for row in issued(app)) == ["A-2026-000001", "A-2027-000001"]


def test_a_clock_that_goes_back_does_not_put_numbers_out_of_order(app, invoice, confirmed, monkeypatch):
    for day in (9, 8):
        placed = confirmed()
        monkeypatch.setattr(invoices, "now", lambda day=day: datetime(2026, 3, day, tzinfo=UTC))
        invoice(placed)
    assert [row.issued_at.day for row in issued(app)] == [9, 9]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders_invoice SET number = 'X'",
        "DELETE FROM orders_invoice",
        "TRUNCATE orders_invoice",
        "DELETE FROM orders_order",
    ],
)
def test_nobody_changes_or_removes_an_invoice(app, invoice, confirmed, statement):
    invoice(confirmed())
    with pytest.raises(DBAPIError), app.app_context(), transaction() as session:
        session.execute(text(statement))
    assert len(issued(app)) == 1


@pytest.mark.parametrize("nexus_config", [{}])
def test_a_shop_that_is_tried_out_says_what_is_missing(invoice, confirmed):
    assert "NEXUS_ORDERS__SELLER_NAME" in words(invoice(confirmed()))


@pytest.mark.parametrize("nexus_config", [{"kernel": {"environment": "production"}}])
def test_production_issues_nothing_without_a_seller(app, monkeypatch):
    with app.app_context(), pytest.raises(invoices.errors.SellerUnnamed):
        invoices._seller()


def test_queries_are_few_for_one_line_and_for_fifty(app, client, catalog, invoice, confirmed):
    small = confirmed()
    large = confirmed(*[(catalog.add(), 1) for _ in range(50)])
    counted = []
    for placed in (small, large, small, large):
        with count_queries(app) as queries:
            invoice(placed)
        counted.append(len(queries))
    assert counted == [8, 8, 3, 3], str(queries)
    with app.app_context(), reading() as session:
        assert session.scalar(select(InvoiceSeries.last)) == 2


def test_a_method_is_called_as_buyers_know_it_and_a_lost_one_by_its_code(app, invoice, confirmed):
    assert "Payment Card (pending)" in words(invoice(confirmed()))
    assert "Payment gone (paid)" in words(invoice(confirmed(payment_method="gone", payment_status="paid")))


@pytest.mark.parametrize(
    ("rate", "text"), [("0.15", "15 %"), ("0.1500", "15 %"), ("0.075", "7.5 %"), ("0", "0 %"), ("1", "100 %")]
)
def test_a_rate_is_said_in_percent(rate, text):
    assert percent(rate) == text


def test_nobody_but_who_renders_waits_for_the_library():
    code = "import sys, nexus_orders.plugin; sys.exit('fpdf' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("invoice_time_zone", "Mars/Base"),
        ("invoice_time_zone", "../etc/passwd"),
        ("invoice_time_zone", ""),
        ("invoice_series", ""),
        ("invoice_series", "inv"),
        ("invoice_series", "A" * 11),
        ("invoice_series", 'A"'),
    ],
)
def test_a_setting_that_makes_no_invoices_is_refused(nexus_engines, database_url, nexus_plugins, name, value):
    with pytest.raises(StartupError, match=name.upper()):
        make_app(nexus_engines, database_url, nexus_plugins, {"orders": {name: value}})
