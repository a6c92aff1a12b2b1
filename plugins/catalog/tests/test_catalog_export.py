"""`nexus catalog export`: what it writes, the import reads, exactly."""

import csv
import gzip
import io
import json

import pytest
from click.testing import CliRunner, Result
from nexus_catalog.commands import catalog
from nexus_catalog.exporting import rows as exported
from nexus_catalog.importing.cells import path_names, path_text
from nexus_catalog.models import Variant
from sqlalchemy import text, update

from nexus_kernel import migrations, transaction
from nexus_kernel.spreadsheets import inert, plain
from nexus_kernel.testing import count_queries
from nexus_kernel.testing.fixtures import make_app

AWKWARD = [
    "=HYPERLINK(1)", "+1", "-1", "@x", "'=x", "''-x", "'quoted'", "ቀይ ፋኖስ", "a, \"b\"; c", "\uff1dx", "x' =",
]  # fmt: skip


@pytest.fixture
def nexus(app, tmp_path):
    """Runs `nexus catalog ...` in the folder; another application may be named."""

    def nexus(*arguments: str, on=app, **options) -> Result:
        with on.app_context():
            return CliRunner().invoke(catalog, list(arguments), catch_exceptions=False, **options)

    return nexus


@pytest.fixture
def empty_shop(nexus_engines, nexus_plugins):
    """Another application on a fresh database."""
    other = make_app(nexus_engines, nexus_engines.create("empty_shop"), nexus_plugins)
    migrations.upgrade(other)
    yield other
    other.extensions["nexus"].db.close()
    nexus_engines.drop("empty_shop")


@pytest.fixture
def shop(app, client, staff, sell, category, nexus, picture, tmp_path):
    """Products of every awkward kind; the folder."""
    garden = category("Garden > Pots \\ C++", category("Home  &  Co"))
    category("Garden", category("Home"))
    for number, title in enumerate(AWKWARD):
        sell(title, sku=f"{title[:20]}-{number}", description=f"{title}\r\n\n{title}", category_id=garden)
    sell("Same"), sell("Same"), sell("No pieces", stock_quantity=0, price="0"), sell("Yen", currency="JPY")
    sell("Sold", seller_id="01890000-0000-7000-8000-000000000001")
    sell("Gone", sku="GONE")
    client.delete("/api/catalog/products/gone/", headers=staff)
    shirts = (
        "sku,title,description,category,price,stock,product,options,images,image_alt,active\n"
        'S-2,Shirt,Soft,,5,1,shirt,"{""size"":""ትልቅ"",""colour"":""red""}",red.jpg | blue.jpg,=Red | ሰማያዊ,\n'
        'S-1,,,,6,2,shirt,"{""colour"":""blue"",""size"":""L""}",,,\n'
        'S-0,,,,6,2,shirt,"{""colour"":""blue"",""size"":""XL""}",,,false\n'
        "OLD,Old,,,5,1,,,red.jpg,,false\n"
    )
    for colour in ("red", "blue"):
        (tmp_path / f"{colour}.jpg").write_bytes(picture(colour, (60, 30)))
    (tmp_path / "shirts.csv").write_text(shirts)
    counts = json.loads(nexus("import", str(tmp_path / "shirts.csv")).stdout)["catalog"]
    assert (counts["created"], counts["images"], counts["images_refused"]) == (4, 3, 0)
    return tmp_path


@pytest.mark.parametrize("format", ["csv", "jsonl", "csv.gz", "jsonl.gz"])
def test_an_export_imported_into_an_empty_shop_and_exported_again_is_the_same_bytes(
    nexus, shop, empty_shop, format
):
    one, two = shop / f"one.{format}", shop / f"two.{format}"
    assert nexus("export", str(one), "--include-retired").exit_code == 0
    result = nexus("import", str(one), on=empty_shop)
    counts = json.loads(result.stdout)["catalog"]
    assert (counts["refused"], counts["images"], counts["images_refused"]) == (0, 3, 0), result.stderr
    nexus("export", str(two), "--include-retired", on=empty_shop)
    assert one.read_bytes() == two.read_bytes() and len(one.read_bytes()) > 500


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize("options", [[], ["--set-stock"]])
def test_an_export_imported_into_the_same_shop_changes_nothing(app, nexus, shop, format, options):
    nexus("export", str(shop / f"one.{format}"), "--include-retired")
    with app.app_context(), transaction() as session:
        before = session.execute(text("SELECT * FROM catalog_product ORDER BY id")).all()
        events = session.execute(text("SELECT count(*) FROM nexus_outbox")).scalar()
    counts = json.loads(nexus("import", str(shop / f"one.{format}"), *options).stdout)["catalog"]
    assert (counts["created"], counts["updated"], counts["refused"]) == (0, 0, 0)
    with app.app_context(), transaction() as session:
        assert session.execute(text("SELECT * FROM catalog_product ORDER BY id")).all() == before
        assert session.execute(text("SELECT count(*) FROM nexus_outbox")).scalar() == events


def test_no_cell_can_start_a_formula(nexus, shop):
    result = nexus("export")
    cells = [cell for row in csv.reader(io.StringIO(result.stdout, newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] and cell[0] in "=+-@\t\r\n\uff1d"]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


@pytest.mark.parametrize("value", [*AWKWARD, "", "'", "'''=", "\t", "=", "'a", "\n=1"])
def test_the_apostrophe_is_taken_off_exactly(value):
    assert plain(inert(value)) == value


@pytest.mark.parametrize("names", [("A",), ("A", "B"), ("a > b", "c\\"), ("\\>", ">"), ("C\\\\>", "ፋኖስ")])
def test_a_path_of_categories_is_read_as_it_was_written(names):
    assert path_names(path_text(names)) == names


def test_retired_products_are_left_out_unless_asked_for(nexus, shop):
    assert "GONE" not in nexus("export").stdout
    rows = list(csv.DictReader(io.StringIO(nexus("export", "--include-retired").stdout, newline="")))
    assert {row["active"] for row in rows if row["sku"] == "GONE"} == {"false"}


def test_a_category_includes_those_below_it(nexus, shop):
    lines = nexus("export", "--format", "jsonl", "--category", "home-co").stdout.splitlines()
    assert len(lines) == len(AWKWARD)
    result = nexus("export", "--category", "none")
    assert result.exit_code == 1 and "No category" in result.stderr


def test_the_order_is_stable_and_pages_do_not_repeat(app, nexus, shop, monkeypatch):
    whole = nexus("export").stdout
    monkeypatch.setattr(exported, "PAGE", 3)
    assert nexus("export").stdout == whole


def test_a_picture_is_exported_with_its_words_and_place_of_now_and_no_more_once_it_is_deleted(
    client, staff, nexus, shop
):
    def exported() -> list[str]:
        lines = nexus("export", "--format", "jsonl").stdout.splitlines()
        return next(row["images"] + row["image_alt"] for row in map(json.loads, lines) if row["sku"] == "S-2")

    assert exported() == ["red.jpg", "blue.jpg", "=Red", "ሰማያዊ"]
    product = client.get("/api/catalog/products/shirt/").json
    red, blue = (
        f"/api/catalog/products/{product['id']}/images/{image['id']}/" for image in product["images"]
    )
    client.patch(red, json={"alt": "A shirt", "position": 1}, headers=staff)
    assert exported() == ["blue.jpg", "red.jpg", "ሰማያዊ", "A shirt"]
    client.delete(blue, headers=staff)
    assert exported() == ["red.jpg", "A shirt"]


def test_a_page_costs_two_queries(app, nexus, shop):
    with count_queries(app) as queries:
        nexus("export")
    assert len(queries) <= 5, str(queries)


def test_a_file_stands_there_whole_or_not_at_all(nexus, shop, monkeypatch):
    target = shop / "out.csv"
    target.write_text("before")
    assert nexus("export", str(target), "--category", "none").exit_code == 1
    assert target.read_text() == "before" and not list(shop.glob("*.part"))
    assert nexus("export", str(shop / "no" / "out.csv")).exit_code == 1


def test_a_mark_for_excel_is_written_when_asked_for_and_read_again(nexus, shop):
    target = shop / "out.csv.gz"
    nexus("export", str(target), "--bom")
    assert gzip.decompress(target.read_bytes()).startswith(b"\xef\xbb\xbfsku,")
    assert json.loads(nexus("import", str(target)).stdout)["catalog"]["updated"] == 0


def test_amounts_of_every_currency_and_long_options_survive(app, nexus, shop, sell):
    variant = sell("Dinar", price="1.234", currency="KWD")
    with app.app_context(), transaction() as session:
        values = {"option_values": {"b": "2", "a": "=1"}}
        session.execute(update(Variant).where(Variant.id == variant.id).values(values))
    line = nexus("export", "--format", "jsonl").stdout.splitlines()[-1]
    row = json.loads(line)
    assert (row["price"], row["currency"], row["options"]) == ("1.234", "KWD", {"a": "=1", "b": "2"})
