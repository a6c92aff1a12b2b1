"""What a piece weighs: entered with products and variants, shown, imported, exported, told to others."""

import csv
import io
import json
from uuid import UUID

import pytest
from click.testing import CliRunner
from nexus_catalog.commands import catalog
from nexus_catalog.models import HEAVIEST

from nexus_kernel import reading, services
from nexus_kernel.contracts.catalog import CatalogService
from nexus_kernel.testing import count_queries

PRODUCTS = "/api/catalog/products/"
LANTERN = {"title": "ፋኖስ", "price": "250.00", "sku": "L-1"}
HEADER = "sku,title,description,category,price,stock"


@pytest.fixture
def nexus(app):
    """Runs `nexus catalog ...`."""

    def nexus(*arguments: str):
        with app.app_context():
            return CliRunner().invoke(catalog, list(arguments), catch_exceptions=False)

    return nexus


@pytest.fixture
def load(nexus, tmp_path):
    """Imports this text; created, updated, unchanged and refused rows, and what was said."""

    def load(content: str, name: str = "p.csv"):
        (tmp_path / name).write_text(content)
        result = nexus("import", str(tmp_path / name))
        counts = json.loads(result.stdout)["catalog"]
        figures = tuple(counts[name] for name in ("created", "updated", "unchanged", "refused"))
        return figures, " ".join(result.stderr.split())

    return load


def create(client, staff, **body):
    return client.post(PRODUCTS, json=LANTERN | body, headers=staff)


def weights(client) -> list[int]:
    """By SKU."""
    found = client.get(PRODUCTS).json["results"]
    details = [client.get(f"{PRODUCTS}{product['id']}/").json for product in found]
    variants = [variant for detail in details for variant in detail["variants"]]
    return [v["weight_grams"] for v in sorted(variants, key=lambda v: v["sku"])]


def test_the_weight_of_a_product_is_that_of_its_default_variant(app, client, staff):
    made = create(client, staff, weight_grams=1200)
    assert made.status_code == 201
    with count_queries(app) as queries:
        (variant,) = client.get(f"{PRODUCTS}{made.json['id']}/").json["variants"]
    assert len(queries) == 1 and variant["weight_grams"] == 1200
    with app.app_context(), reading(), count_queries(app) as queries:
        view = services.get(CatalogService).get_default_variants([UUID(made.json["id"])])
    assert len(queries) == 1 and [v.weight_grams for v in view.values()] == [1200]


def test_without_a_weight_it_is_nothing(client, staff):
    create(client, staff)
    assert weights(client) == [0]


def test_a_change_of_weight_is_seen_at_once_and_everything_else_stays(client, staff):
    url = f"{PRODUCTS}{create(client, staff, weight_grams=1).json['id']}/"
    before = client.get(url).json
    assert client.patch(url, json={"weight_grams": 350}, headers=staff).status_code == 200
    after = client.get(url, headers=staff).json
    assert after["variants"][0].pop("weight_grams") == 350
    before["variants"][0].pop("weight_grams"), before.pop("updated_at"), after.pop("updated_at")
    assert after == before
    assert client.put(url, json={"title": "ፋኖስ", "price": "1"}, headers=staff).status_code == 200
    assert weights(client) == [350], "a weight is no content: it stays where it is left out"


def test_a_variant_has_a_weight_of_its_own(client, staff):
    url = f"{PRODUCTS}{create(client, staff, weight_grams=5).json['id']}/"
    client.put(f"{url}options/", json={"options": [{"name": "S", "values": ["a", "b"]}]}, headers=staff)
    body = {"price": "3", "sku": "L-2", "option_values": {"S": "b"}, "weight_grams": 70}
    made = client.post(f"{url}variants/", json=body, headers=staff)
    assert made.status_code == 201 and made.json["weight_grams"] == 70
    changed = client.patch(made.headers["Location"], json={"weight_grams": 0}, headers=staff)
    assert changed.json["weight_grams"] == 0 and changed.json["price"] == "3.00"
    assert weights(client) == [5, 0]


@pytest.mark.parametrize("wrong", [-1, HEAVIEST + 1, "5", 1.5, True, None, [], 2**62])
def test_what_is_no_weight_is_refused_by_name(client, staff, wrong):
    refused = create(client, staff, weight_grams=wrong)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "weight_grams"
    assert client.get(PRODUCTS).json["count"] == 0
    assert create(client, staff, weight_grams=HEAVIEST).status_code == 201


def test_a_column_of_weights_is_imported_and_without_it_they_stay(client, load):
    assert load(f"{HEADER},weight_grams\nA,A,,,5,1,300\nB,B,,,5,1,\n")[0] == (2, 0, 0, 0)
    assert weights(client) == [300, 0]
    assert load(f"{HEADER}\nA,A,,,5,1\nB,B,,,5,1\n")[0] == (0, 0, 2, 0)
    assert load(f"{HEADER}\nA,A,,,6,1\n")[0] == (0, 1, 0, 0)
    assert weights(client) == [300, 0]
    assert load(f"{HEADER},weight_grams\nA,A,,,6,1,\nB,B,,,5,1,25\n")[0] == (0, 2, 0, 0)
    assert weights(client) == [0, 25]


def test_json_lines_hold_weights_as_numbers_or_text(client, load):
    row = {"title": "A", "description": "", "category": "", "price": 5, "stock": 1}
    rows = [row | {"sku": "A", "weight_grams": 7}, row | {"sku": "B", "weight_grams": "8"}]
    rows += [row | {"sku": "C", "weight_grams": None}, row | {"sku": "D"}]
    assert load("".join(json.dumps(one) + "\n" for one in rows), "p.jsonl")[0] == (4, 0, 0, 0)
    assert weights(client) == [7, 8, 0, 0]


@pytest.mark.parametrize("wrong", ["-1", "1.5", "1 kg", str(HEAVIEST + 1), "9" * 30, "٣"])
def test_a_row_with_a_wrong_weight_is_refused_with_its_reason(client, load, wrong):
    figures, said = load(f"{HEADER},weight_grams\nA,A,,,5,1,{wrong}\nB,B,,,5,1,4\n")
    assert figures == (1, 0, 0, 1) and "weight_grams must be a whole number" in said
    assert weights(client) == [4]


def test_an_export_names_the_weights_and_is_imported_unchanged(client, sell, nexus, load, tmp_path):
    sell(sku="A", weight_grams=300), sell(sku="B")
    content = nexus("export").stdout
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [(row["sku"], row["weight_grams"]) for row in rows] == [("A", "300"), ("B", "0")]
    assert load(content)[0] == (0, 0, 2, 0)
