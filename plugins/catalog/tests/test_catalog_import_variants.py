"""Rows that share a product: one product with several variants, together or not at all."""

import json

import pytest
from click.testing import CliRunner
from nexus_catalog.commands import catalog
from nexus_catalog.importing import products, run

from nexus_kernel.testing import count_queries

BASE = {"description": "", "category": "", "price": "5", "stock": 1, "product": "shirt"}


def shirt(sku: str, title: str = "Shirt", **values) -> dict:
    return BASE | {"sku": sku, "title": title, "options": {"size": sku}} | values


@pytest.fixture
def load(app, tmp_path):
    """Imports these rows; the counts, and what was said on standard error."""

    def load(rows: list[dict], *options: str) -> tuple[tuple[int, int, int, int], str]:
        file = tmp_path / "products.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        with app.app_context():
            result = CliRunner().invoke(catalog, ["import", str(file), *options], catch_exceptions=False)
        counts = json.loads(result.stdout)["catalog"]
        figures = tuple(counts[name] for name in ("created", "updated", "unchanged", "refused"))
        return figures, " ".join(result.stderr.split())

    return load


@pytest.fixture
def variants(client):
    """The variants of the product of this slug: SKU, price, stock, options, whether it is the default."""

    def variants(slug: str = "shirt") -> list[tuple]:
        found = client.get(f"/api/catalog/products/{slug}/").json["variants"]
        return sorted(
            (v["sku"], v["price"], v["stock_quantity"], v["option_values"], v["is_default"]) for v in found
        )

    return variants


def test_rows_that_share_a_product_become_its_variants_the_first_one_its_default(client, load, variants):
    figures, _ = load([shirt("S"), shirt("M", title="", price="6", stock=2), shirt("X", product="other")])
    assert figures == (3, 0, 0, 0) and client.get("/api/catalog/products/").json["count"] == 2
    assert variants() == [
        ("M", "6.00", 2, {"size": "M"}, False),
        ("S", "5.00", 1, {"size": "S"}, True),
    ]


def test_the_same_rows_again_change_nothing_and_in_another_order_neither(load):
    rows = [shirt("S"), shirt("M"), shirt("L")]
    load(rows)
    assert load(rows)[0] == (0, 0, 3, 0)
    assert load(rows[::-1])[0] == (0, 0, 3, 0)


def test_a_row_with_a_new_sku_beside_a_known_one_adds_a_variant(load, variants):
    load([shirt("S"), shirt("M")])
    assert load([shirt("M"), shirt("L", stock=9)])[0] == (1, 0, 1, 0)
    assert variants()[0] == ("L", "5.00", 9, {"size": "L"}, False) and len(variants()) == 3


def test_changes_of_a_variant_and_of_its_product_count_for_their_rows(load, variants):
    load([shirt("S"), shirt("M")])
    changed = [shirt("S", title="New"), shirt("M", title="New", options={"size": "Medium"}, stock=7)]
    assert load(changed)[0] == (0, 2, 0, 0)
    assert load(changed, "--set-stock")[0] == (0, 1, 1, 0)
    assert variants()[0] == ("M", "5.00", 7, {"size": "Medium"}, False)


def test_options_that_are_left_out_stay(load, variants):
    load([shirt("S"), shirt("M")])
    rows = [{k: v for k, v in shirt(sku).items() if k != "options"} for sku in "SM"]
    assert load(rows)[0] == (0, 0, 2, 0) and variants()[0][3] == {"size": "M"}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([shirt("S"), shirt("M", price="x")], "line 2 of the same product is refused"),
        ([shirt("S", price="x"), shirt("M")], "line 1 of the same product is refused"),
        ([shirt("S"), shirt("S")], "the SKU comes twice"),
        ([shirt("S"), shirt("M", title="Other")], "title differs from that of the product's first row"),
        ([shirt("S"), shirt("M", category="Home")], "category differs"),
        ([shirt("S", title=""), shirt("M")], "title is empty"),
        (
            [shirt("S"), shirt("M", options={"size": "S"})],
            "two variants of the product have the same options",
        ),
        ([shirt("S"), shirt("M", options={"colour": "red"})], "must have the same options"),
        ([shirt("S"), shirt("M", options={})], "must have the same options"),
    ],
)
def test_a_product_is_imported_whole_or_not_at_all(client, load, rows, reason):
    figures, words = load([*rows, shirt("Z", product="z")])
    assert figures == (1, 0, 0, 2) and reason in words
    assert client.get("/api/catalog/products/").json["count"] == 1


def test_a_product_whose_rows_do_not_stand_together_is_refused_where_it_comes_back(client, load):
    figures, words = load([shirt("S"), shirt("X", product="other"), shirt("M")])
    assert figures == (2, 0, 0, 1) and "must stand together; they began on line 1" in words


def test_rows_of_two_stored_products_are_not_one_product(load):
    load([shirt("S"), shirt("X", product="other")])
    figures, words = load([shirt("S"), shirt("X")])
    assert figures == (0, 0, 0, 2) and "the SKUs belong to different products" in words


def test_a_stored_product_comes_once_in_a_file(load):
    load([shirt("S"), shirt("M"), shirt("L")])
    figures, words = load([shirt("S"), shirt("M", product="again")])
    assert figures == (0, 0, 1, 1) and "its product came already on line 1" in words


def test_a_variant_is_refused_without_its_product(load):
    load([shirt("S"), shirt("M")])
    figures, words = load([shirt("M", product=""), shirt("S", product="", title="Renamed")])
    assert figures == (0, 1, 0, 1) and "the SKU is one of several variants of a product" in words


def test_new_variants_must_differ_from_the_stored_ones_that_the_file_leaves_out(load):
    load([shirt("S"), shirt("M")])
    figures, words = load([shirt("S"), shirt("N", options={"size": "M"})])
    assert figures == (0, 0, 0, 2) and "the same options" in words


def test_a_product_has_a_bounded_number_of_variants(load):
    figures, words = load([shirt(f"S{n}") for n in range(101)] + [shirt("Z", product="z")])
    assert figures == (1, 0, 0, 101) and "at most 100 variants on sale" in words
    assert load([shirt(f"S{n}") for n in range(100)])[0] == (100, 0, 0, 0)
    figures, words = load([shirt("S0"), shirt("S100")])
    assert figures == (0, 0, 0, 2) and "at most 100 variants on sale" in words
    figures, words = load([shirt("S0"), shirt("Retired", options={"size": "S9"}, active="false")])
    assert figures == (1, 0, 1, 0)


def test_the_rows_of_a_product_are_bounded_because_they_are_in_memory_together(load, monkeypatch):
    monkeypatch.setattr(products, "MOST_ROWS", 5)
    figures, words = load([shirt(f"S{n}") for n in range(9)] + [shirt("Z", product="z")])
    assert figures == (1, 0, 0, 9) and "at most 5 rows" in words


def test_a_product_is_never_split_between_transactions(app, load, monkeypatch, variants):
    monkeypatch.setattr(run, "BATCH", 2)
    assert load([shirt(f"S{n}") for n in range(7)] + [shirt("Z", product="z")])[0] == (8, 0, 0, 0)
    assert len(variants()) == 7 and len(variants("shirt-2")) == 1


def test_a_retired_product_is_created_retired_and_a_known_one_stays_as_it_is(client, load):
    assert load([shirt("S", active="false"), shirt("T", product="t")])[0] == (2, 0, 0, 0)
    assert client.get("/api/catalog/products/").json["count"] == 1
    assert load([shirt("S", active="true"), shirt("T", product="t", active="false")])[0] == (0, 0, 2, 0)
    assert client.get("/api/catalog/products/").json["count"] == 1


def test_variants_take_no_more_statements(app, load):
    load([shirt("S")])
    with count_queries(app) as queries:
        load([shirt(f"{p}-{n}", product=f"p{p}") for p in range(30) for n in range(5)])
    assert len(queries) <= 20, str(queries)
