"""The export: every order once, harmless in a spreadsheet, and in batches that do not grow."""

import csv
import io
from uuid import UUID

import pytest
from nexus_orders.models import Order
from nexus_orders.services import exporting
from sqlalchemy import text, update

from nexus_kernel import Money, new_id, transaction
from nexus_kernel.spreadsheets import BOM, plain
from nexus_kernel.testing import count_queries

EXPORT = "/api/orders/export/"
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", "'=1", "''@x"]
ROWS = """
    INSERT INTO orders_order (id, number, user_id, status, payment_status, payment_method, currency,
        subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, address_line, city,
        postal_code, country, cart_id, cart_generation, placed_at, updated_at)
    SELECT gen_random_uuid(), 'NX-' || i, gen_random_uuid(), 'delivered', 'paid', 'card', 'ETB',
        i, 0, 0, 0, i, 'Street', 'Adama', '1000', 'ET', gen_random_uuid(), 1,
        '2026-01-01Z'::timestamptz + interval '1 hour' * (i / 7), now()
    FROM generate_series(1, 2000) AS i;
    INSERT INTO orders_item (id, order_id, position, variant_id, product_id, sku, title, quantity,
        unit_price_minor, total_minor, currency)
    SELECT gen_random_uuid(), id, place, gen_random_uuid(), gen_random_uuid(), 'S', 'T', 1, 1, 1, 'ETB'
    FROM orders_order, generate_series(0, 1) AS place
"""


@pytest.fixture
def exported(client, staff):
    """The rows of an export as dictionaries, with what the apostrophe protects."""

    def get(query=""):
        answer = client.get(f"{EXPORT}?{query}", headers=staff)
        assert answer.status_code == 200, answer.text
        reader = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""))
        return [{name: plain(cell) for name, cell in row.items()} for row in reader]

    return get


def test_a_row_an_order_has_its_amounts_as_numbers(client, staff, exported, order, catalog, bazaar):
    bazaar.tax.adds(1500)
    placed = order((catalog.add(Money(9950, "ETB"), title="ጀበና"), 2)).json
    (row,) = exported()
    assert row["number"] == placed["number"] and UUID(row["order_id"]) == UUID(placed["id"])
    assert (row["subtotal"], row["tax"], row["total"], row["currency"]) == (
        "199.00",
        "15.00",
        "214.00",
        "ETB",
    )
    assert all(row[name] == value for name, value in placed["shipping_address"].items())
    assert (row["city"], row["country"], row["status"]) == ("Addis Ababa", "ET", "pending")
    assert row["placed_at"].startswith(placed["placed_at"][:19]) and row["placed_at"].endswith("+00:00")
    answer = client.get(EXPORT, headers=staff)
    assert answer.data.startswith(BOM) and answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert not client.get(f"{EXPORT}?bom=false", headers=staff).data.startswith(BOM)


def test_a_row_a_line_comes_in_the_order_of_the_lines(client, staff, exported, order, catalog):
    placed = order(
        (catalog.add(title="ጀበና"), 2), (catalog.add(Money(100, "ETB"), title="Soap, green"), 3)
    ).json
    rows = exported("rows=items")
    assert [(row["number"], row["title"], row["quantity"], row["line_total"]) for row in rows] == [
        (placed["number"], item["title"], str(item["quantity"]), item["line_total"])
        for item in placed["items"]
    ]
    answer = client.get(f"{EXPORT}?rows=items", headers=staff)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="items.csv"'


@pytest.mark.parametrize("title", DANGEROUS)
def test_no_text_is_a_formula_and_none_is_lost(client, staff, exported, order, catalog, address, title):
    order((catalog.add(title=title), 1), shipping_address={**address, "city": title, "phone": "+251 911"})
    assert [row["title"] for row in exported("rows=items")] == [title]
    assert [(row["city"], row["phone"]) for row in exported()] == [(title, "+251 911")]
    for rows, column in (("items", "title"), ("orders", "city")):
        raw = client.get(f"{EXPORT}?rows={rows}", headers=staff).data.decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(raw, newline=""))
        assert row[column] == f"'{title}"


@pytest.mark.parametrize(
    "city", ["two\nlines", "two\r\nlines", "one\rreturn", "\ttab", "\rreturn", 'a "b", c', "ባሕር ዳር"]
)
def test_awkward_text_is_read_back(app, exported, order, catalog, city):
    placed = order((catalog.add(), 1)).json
    with app.app_context(), transaction() as session:
        session.execute(update(Order).where(Order.number == placed["number"]).values(city=city))
    assert [row["city"] for row in exported()] == [city]


def test_the_filters_are_those_of_the_list(exported, order, catalog, address):
    lamp, soap = catalog.add(title="Lamp"), catalog.add(title="Soap")
    order((lamp, 1))
    berlin = order((soap, 1), shipping_address={**address, "city": "Berlin", "country": "DE"}).json
    for query in ("country=DE", "q=berlin", "q=soap", f"number={berlin['number']}", "q=soap&status=pending"):
        assert [row["number"] for row in exported(query)] == [berlin["number"]]
    assert exported("status=delivered") == []


@pytest.mark.parametrize("query", ["rows=both", "status=lost", "q=%00", "bom=maybe", "placed_from=x"])
def test_bad_parameters_are_refused(client, staff, query):
    assert client.get(f"{EXPORT}?{query}", headers=staff).status_code == 422


def test_the_export_is_for_staff(client, buyer):
    assert client.get(EXPORT, headers=buyer).status_code == 403
    assert client.get(EXPORT).status_code == 401


@pytest.fixture
def two_thousand(app):
    with app.app_context(), transaction() as session:
        for statement in ROWS.split(";"):
            session.execute(text(statement))


@pytest.mark.parametrize(("rows", "expected"), [("orders", 2000), ("items", 4000)])
def test_every_row_comes_once_in_batches_that_do_not_grow(app, two_thousand, exported, rows, expected):
    """Seven orders share each moment, so batches end between orders of the same time."""
    with count_queries(app) as queries:
        found = exported(f"rows={rows}")
    assert len(queries) == 2000 / exporting.BATCH + 1, str(queries)
    keys = [(row["placed_at"], row["order_id"], row.get("position", "")) for row in found]
    assert len(set(keys)) == len(found) == expected
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)


def test_a_piece_is_a_batch_and_no_connection_is_held_between_two(app, two_thousand):
    pool = app.extensions["nexus"].db.base_engine.pool
    with app.app_context():
        actor = type("Staff", (), {"can": lambda self, code: True, "id": new_id()})()
        pieces = exporting.exported(actor, {"rows": "orders", "bom": False})
        lines = []
        for piece in pieces:
            lines.append(piece.count(b"\n"))
            assert pool.checkedout() == 0
    assert lines == [1, 500, 500, 500, 500]
