"""`nexus catalog import`: row by row, in batches, again without doubling."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner, Result
from nexus_catalog.commands import catalog
from nexus_catalog.importing import run
from nexus_catalog.importing.batches import Options
from nexus_catalog.importing.images import Images
from nexus_catalog.importing.records import CSVReader
from nexus_catalog.models import Stock, StockMovement
from sqlalchemy import func, select, text

from nexus_kernel import reading, services, transaction
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import in_threads
from nexus_kernel.testing.fixtures import SECRET_KEY

HEADER = "sku,title,description,category,price,stock"
GOOD = f"{HEADER}\nL-1,Red lantern,Glows,Home & Garden > Garden,12.50,3\nL-2,ፋኖስ,,,7,0\n"


@pytest.fixture
def load(app, tmp_path):
    """Imports this text, or the file of this name; the command's result."""

    def load(content: str | bytes, *options: str, name: str = "products.csv") -> Result:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        with app.app_context():
            return CliRunner().invoke(catalog, ["import", str(file), *options], catch_exceptions=False)

    return load


def figures(result: Result) -> tuple[int, int, int, int]:
    counts = json.loads(result.stdout)["catalog"]
    return counts["created"], counts["updated"], counts["unchanged"], counts["refused"]


def ledger_is_the_stock(app) -> bool:
    sums = (
        select(StockMovement.variant_id, func.sum(StockMovement.delta_on_hand).label("on_hand"))
        .group_by(StockMovement.variant_id)
        .subquery()
    )
    wrong = (
        select(func.count())
        .select_from(Stock)
        .outerjoin(sums, sums.c.variant_id == Stock.variant_id)
        .where(Stock.on_hand != func.coalesce(sums.c.on_hand, 0))
    )
    with app.app_context(), reading() as session:
        return session.execute(wrong).scalar_one() == 0


def changed_events(app) -> int:
    with app.app_context(), reading() as session:
        return session.execute(select(func.count()).select_from(OutboxEvent)).scalar_one()


def test_rows_become_products_with_categories_price_and_stock(app, client, load):
    result = load(GOOD)
    assert result.exit_code == 0 and figures(result) == (2, 0, 0, 0)
    lantern = client.get("/api/catalog/products/red-lantern/").json
    assert (lantern["sku"], lantern["price"], lantern["currency"]) == ("L-1", "12.50", "ETB")
    assert (lantern["stock_quantity"], lantern["category"]["name"]) == (3, "Garden")
    assert client.get("/api/catalog/products/ፋኖስ/").json["price"] == "7.00"
    (root,) = client.get("/api/catalog/categories/?include_children=1").json["results"]
    assert root["name"] == "Home & Garden" and [c["name"] for c in root["children"]] == ["Garden"]
    assert ledger_is_the_stock(app) and changed_events(app) == 1


def test_the_same_file_again_changes_nothing(app, client, load):
    load(GOOD)
    before = client.get("/api/catalog/products/").json
    assert figures(load(GOOD)) == (0, 0, 2, 0)
    assert client.get("/api/catalog/products/").json == before and changed_events(app) == 1


def test_what_changed_is_updated_and_the_stock_left_alone(app, client, load):
    load(GOOD)
    changed = GOOD.replace("Red lantern,Glows", "Blue lantern,Dark").replace("12.50,3", "13,99")
    assert figures(load(changed)) == (0, 1, 1, 0)
    lantern = client.get("/api/catalog/products/red-lantern/").json
    assert (lantern["title"], lantern["price"], lantern["stock_quantity"]) == ("Blue lantern", "13.00", 3)
    assert changed_events(app) == 2


def test_set_stock_makes_the_figure_available_on_top_of_what_is_held(app, client, load):
    load(GOOD)
    lantern = client.get("/api/catalog/products/red-lantern/").json["variants"][0]
    with app.app_context(), transaction():
        assert services.get(StockService).reserve({lantern["id"]: 2}, "order:1") == ()
    assert figures(load(GOOD, "--set-stock")) == (0, 1, 1, 0)
    assert client.get("/api/catalog/products/red-lantern/").json["stock_quantity"] == 3
    assert figures(load(GOOD, "--set-stock")) == (0, 0, 2, 0)
    assert ledger_is_the_stock(app)


def test_an_import_remembers_former_prices_and_tells_of_low_stock(app, client, load, staff):
    load(GOOD)
    load(GOOD.replace("12.50,3", "9.00,2"), "--set-stock")
    page = client.get("/api/catalog/products/red-lantern/price_history/", headers=staff).json
    changes = [(c["sku"], c["old_price"], c["price"], c["actor_id"]) for c in page["results"]]
    assert changes == [("L-1", "12.50", "9.00", None)]
    assert client.get("/api/catalog/products/red-lantern/").json["variants"][0]["prior_price"] == "12.50"
    with app.app_context(), reading() as session:
        lows = session.scalars(select(OutboxEvent).filter_by(name="catalog.stock_low")).all()
    assert [(low.payload["sku"], low.payload["available"]) for low in lows] == [("L-1", 2)]


def test_a_dry_run_says_what_would_happen_and_stores_nothing(app, client, load):
    result = load(GOOD + "L-3,Bad,,,x,1\n", "--dry-run")
    assert figures(result) == (2, 0, 0, 1) and "nothing is stored" in result.stderr
    assert client.get("/api/catalog/products/").json["count"] == 0
    assert client.get("/api/catalog/categories/").json["count"] == 0


def test_the_currency_decides_how_many_decimals_there_are(client, load):
    result = load(GOOD, "--currency", "JPY")
    assert figures(result) == (1, 0, 0, 1) and "JPY amounts have 0 decimals" in result.stderr
    assert client.get("/api/catalog/products/").json["results"][0]["price"] == "7"


REFUSED = [
    ('L-9,Lantern,,,"1,000.00",1', "price must be a plain decimal"),
    ("L-9,Lantern,,,-5.00,1", "price must not be negative"),
    ("L-9,Lantern,,,,1", "price is empty"),
    ("L-9,Lantern,,,NaN,1", "price must be a plain decimal"),
    ("L-9,Lantern,,,Infinity,1", "price must be a plain decimal"),
    ("L-9,Lantern,,,1e3,1", "price must be a plain decimal"),
    ("L-9,Lantern,,,1.005,1", "ETB amounts have 2 decimals"),
    ("L-9,Lantern,,,٣,1", "price must be a plain decimal"),
    ("L-9,Lantern,,,9999999999999999,1", "price must be a plain decimal"),
    ("L-9,Lantern,,,5,-1", "stock must be a whole number"),
    ("L-9,Lantern,,,5,1.5", "stock must be a whole number"),
    ("L-9,Lantern,,,5,", "stock must be a whole number"),
    ("L-9,Lantern,,,5,9999999999", "stock must be a whole number"),
    (",Lantern,,,5,1", "sku is empty"),
    ("L-9,,,,5,1", "title is empty"),
    (f"L-9,{'x' * 201},,,5,1", "title has more than 200 characters"),
    (f"{'x' * 65},Lantern,,,5,1", "sku has more than 64 characters"),
    ("L-9,Lan\x00tern,,,5,1", "title contains control characters"),
    ("L-9,Lantern,,A > > B,5,1", "category must be names"),
    (f"L-9,Lantern,,{'A>' * 10}A,5,1", "category is more than 10 levels deep"),
    ("L-9,Lantern,,,5", "it has 5 cells where the first line has 6"),
    ("L-9,Lantern,,,5,1,more", "it has 7 cells where the first line has 6"),
    ("L-1,Lantern,,,5,1", "the SKU comes twice in this file"),
]


@pytest.mark.parametrize(("row", "reason"), REFUSED)
def test_a_bad_row_is_refused_with_its_reason_and_the_others_go_on(client, load, tmp_path, row, reason):
    report = tmp_path / "refused.csv"
    result = load(f"{GOOD}{row}\nL-3,Last,,,1,1\n", "--refused", str(report))
    assert result.exit_code == 0 and figures(result) == (3, 0, 0, 1)
    (refused,) = csv.DictReader(report.open(encoding="utf-8", newline=""))
    assert refused["line"] == "4" and refused["sku"] == row.split(",")[0] and reason in refused["reason"]
    assert client.get("/api/catalog/products/").json["count"] == 3


def test_without_a_report_the_first_refusals_are_shown(load):
    result = load(HEADER + "\n" + "L-1,Lantern,,,x,1\n" * 25)
    assert figures(result) == (0, 0, 0, 25)
    assert "line 2, L-1: price must be" in result.stderr and "and 5 more" in result.stderr


def test_the_report_cannot_start_a_formula_in_a_spreadsheet(load, tmp_path):
    report = tmp_path / "refused.csv"
    load(f"{HEADER}\n=cmd(),Lantern,,,x,1\n", "--refused", str(report))
    (refused,) = csv.DictReader(report.open(encoding="utf-8", newline=""))
    assert refused["sku"] == "'=cmd()"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "sku is missing"),
        ("a,b\n1,2\n", "sku is missing"),
        ("sku,title,description,category,price\n", "stock is missing"),
        (b"\xff\xfe\x00bad", "is not UTF-8"),
        (b"\xe9" + GOOD.encode(), "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_such_csv_ends_with_1_and_a_sentence(load, content, words):
    result = load(content)
    assert result.exit_code == 1 and words in result.stderr and "Traceback" not in result.stderr


def test_a_file_that_cannot_be_opened_ends_with_1_and_a_sentence(app, tmp_path):
    with app.app_context():
        for path, words in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
            result = CliRunner().invoke(catalog, ["import", str(path)])
            assert (
                result.exit_code == 1
                and words in result.stderr
                and str(path) in result.stderr.replace("\n", "")
            )


def test_an_unknown_currency_or_report_folder_ends_with_1_and_stores_nothing(client, load, tmp_path):
    assert "no active ISO 4217" in load(GOOD, "--currency", "BIR").stderr
    result = load(GOOD, "--refused", str(tmp_path / "none" / "refused.csv"))
    assert result.exit_code == 1 and "cannot be written" in result.stderr
    assert client.get("/api/catalog/products/").json["count"] == 0


def test_spreadsheet_exports_with_a_bom_and_other_column_orders_are_read(client, load):
    content = "\ufeffStock,Price,Category,Description,Title,SKU,Colour\r\n3,5,,,Lantern,L-1,red\r\n\r\n"
    assert figures(load(content)) == (1, 0, 0, 0)
    assert client.get("/api/catalog/products/lantern/").json["stock_quantity"] == 3


def test_cells_with_line_breaks_and_quotes_are_read(client, load):
    load(f'{HEADER}\nL-1,"12"" lantern","two\nlines",,5,1\n')
    assert client.get("/api/catalog/products/12-lantern/").json["description"] == "two\nlines"


def test_equal_titles_and_equal_category_names_find_their_places(client, load):
    rows = "".join(f"L-{n},Lantern,,{'AB'[n % 2]} > Other,5,1\n" for n in range(20))
    assert figures(load(f"{HEADER}\n{rows}")) == (20, 0, 0, 0)
    assert client.get("/api/catalog/categories/").json["count"] == 4
    slugs = {p["slug"] for p in client.get("/api/catalog/products/?page_size=100").json["results"]}
    assert len(slugs) == 20 and {"lantern", "lantern-9"} <= slugs


def test_category_names_that_differ_in_signs_only_stay_apart(client, load):
    content = f"{HEADER}\nL-1,A,,C++,5,1\nL-2,B,,C#,5,1\nL-3,C,,C++,5,1\n"
    load(content), load(content)
    names = [c["name"] for c in client.get("/api/catalog/categories/").json["results"]]
    assert names == ["C#", "C++"]


def test_imports_create_categories_that_the_cached_list_shows_at_once(client, load):
    assert client.get("/api/catalog/categories/").json["count"] == 0
    load(GOOD)
    assert client.get("/api/catalog/categories/").json["count"] == 2


def test_retired_products_stay_retired(client, load, staff):
    load(GOOD)
    client.delete("/api/catalog/products/red-lantern/", headers=staff)
    assert figures(load(GOOD)) == (0, 0, 2, 0)
    assert client.get("/api/catalog/products/").json["count"] == 1


def rows(count: int) -> str:
    return f"{HEADER}\n" + "".join(f"L-{n},Lantern {n % 50},,A > B{n % 7},{n},{n}\n" for n in range(count))


def test_a_batch_takes_a_constant_number_of_statements(app, load):
    from nexus_kernel.testing import count_queries

    def statements(count: int) -> int:
        with count_queries(app) as queries:
            load(rows(count), name=f"{count}.csv")
        return len(queries)

    load(rows(10))
    assert statements(400) <= 25


def test_imports_at_once_of_one_file_create_each_product_once(app, load, monkeypatch):
    monkeypatch.setattr(run, "BATCH", 20)
    answers = in_threads([lambda n=n: load_quietly(app, load, n) for n in range(4)])
    assert sum(created for created, *_ in answers) == 150
    assert sum(sum(answer) for answer in answers) == 600
    assert ledger_is_the_stock(app)


def load_quietly(app, load, number: int) -> tuple[int, int, int, int]:
    """An import without the runner, which captures the output of the whole process."""
    with app.app_context():
        totals, reader = run.Totals(), CSVReader(io.BytesIO(rows(150).encode()))
        with Images(None) as images:
            for _ in run.import_records(reader, Options("ETB"), totals, [].append, images):
                pass
    return totals.created, totals.updated, totals.unchanged, totals.refused


def test_an_import_beside_people_who_create_the_same_titles_succeeds(app, load, staff, monkeypatch):
    def people() -> set[int]:
        body = {"title": "Lantern 1", "price": "1"}
        return {
            app.test_client().post("/api/catalog/products/", json=body, headers=staff).status_code
            for _ in range(20)
        }

    monkeypatch.setattr(run, "BATCH", 20)
    first, second = in_threads([people, lambda: load_quietly(app, load, 0)])
    assert first <= {201, 409} and second[0] == 150


KILLED = """
import sys
from pathlib import Path
from nexus_catalog.importing import run, terminal
from nexus_kernel import create_app
run.BATCH = 100
with create_app(plugins=["catalog"]).app_context():
    terminal.import_file(Path(sys.argv[1]), currency=None, dry_run=False, refused=None, set_stock=False)
"""


@pytest.mark.slow
def test_an_import_that_was_killed_again_and_again_has_each_effect_once(
    app, load, tmp_path, database_url, nexus_engines
):
    file = tmp_path / "large.csv"
    file.write_text(rows(4000))
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": nexus_engines.redis_url,
        "NEXUS_KERNEL__ENVIRONMENT": "test",
        "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY,
    }
    stored = 0
    for wanted in (1, 900, 1700):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(file)], env=environment, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        with app.app_context(), reading() as session:
            while (stored := session.execute(text("SELECT count(*) FROM catalog_product")).scalar()) < wanted:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    created, updated, unchanged, refused = figures(load(rows(4000)))
    assert created + unchanged == 4000 and stored <= unchanged < 4000 and updated == refused == 0
    with app.app_context(), reading() as session:
        assert session.execute(text("SELECT count(*) FROM catalog_product")).scalar() == 4000
        told = [id for event in session.scalars(select(OutboxEvent)) for id in event.payload["product_ids"]]
    assert len(told) == len(set(told)) == 4000 and ledger_is_the_stock(app)


def test_an_import_by_people_in_between_never_overwrites_the_ledger(app, load, client):
    load(GOOD)
    lantern = client.get("/api/catalog/products/red-lantern/").json["variants"][0]

    def buy() -> None:
        for number in range(10):
            with app.app_context(), transaction():
                services.get(StockService).reserve({lantern["id"]: 1}, f"order:{number}")

    def count() -> None:
        for _ in range(10):
            with app.app_context(), Images(None) as images:
                reader = CSVReader(io.BytesIO(GOOD.encode()))
                options = Options("ETB", set_stock=True)
                list(run.import_records(reader, options, run.Totals(), [].append, images))

    in_threads([buy, count, count])
    assert ledger_is_the_stock(app)
