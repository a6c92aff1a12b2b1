"""The shipped products keep what README.md promises."""

import csv
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from product_categories import OTHER, RULES
from product_titles import is_remark

SHIPPED = Path(__file__).parent.parent / "nexus_gift_shop" / "data" / "products.csv"


@pytest.fixture(scope="module")
def products() -> list[dict[str, str]]:
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_has_the_columns_of_the_catalog_import():
    assert SHIPPED.read_text(encoding="utf-8").startswith("sku,title,description,category,price,stock\n")


def test_there_are_about_three_and_a_half_thousand_products(products):
    assert 3_500 <= len(products) <= 3_700


def test_no_sku_comes_twice_in_whatever_case(products):
    assert len({row["sku"].upper() for row in products}) == len(products)


def test_every_sku_is_a_product_code_in_upper_case(products):
    assert [row["sku"] for row in products if not re.fullmatch(r"\d{5}[A-Z]{0,2}|DCGS\w+", row["sku"])] == []


@pytest.mark.parametrize(
    "code",
    ["POST", "DOT", "M", "D", "S", "B", "C2", "BANK CHARGES", "AMAZONFEE", "PADS", "CRUK", "GIFT_0001_10"],
)
def test_codes_that_are_no_products_are_absent(products, code):
    assert code not in {row["sku"] for row in products}


def test_vouchers_and_services_under_a_product_code_are_absent(products):
    assert not {"22016", "23444", "23574"} & {row["sku"] for row in products}


def test_a_clock_with_carriage_in_its_name_is_no_delivery_charge(products):
    assert "Black Baroque Carriage Clock" in {row["title"] for row in products}


def test_every_title_is_a_trimmed_name_with_a_lower_case_letter(products):
    odd = [row["title"] for row in products if not re.fullmatch(r"\S(?:.*[a-z].*)", row["title"])]
    assert odd == []
    assert not any(row["title"] != " ".join(row["title"].split()) for row in products)


def test_no_title_is_a_warehouse_remark(products):
    assert [row["title"] for row in products if is_remark(row["title"])] == []


def test_every_price_is_positive_with_two_decimals(products):
    odd = [
        row for row in products if not re.fullmatch(r"\d+\.\d\d", row["price"]) or Decimal(row["price"]) <= 0
    ]
    assert odd == []


def test_every_stock_is_a_whole_number_and_some_are_low(products):
    stocks = [int(row["stock"]) for row in products]
    assert min(stocks) == 0
    assert sum(1 <= stock <= 5 for stock in stocks) > 100


def test_every_category_is_a_path_of_two_names(products):
    assert all(re.fullmatch(r"[^>]+\S > \S[^>]+", row["category"]) for row in products)


def test_the_tree_has_8_to_12_categories_and_30_to_45_leaves(products):
    leaves = {row["category"] for row in products}
    assert 30 <= len(leaves) <= 45
    assert 8 <= len({leaf.split(" > ")[0] for leaf in leaves}) <= 12


def test_every_leaf_of_the_table_is_in_use(products):
    assert {path for path, _ in RULES} <= {row["category"] for row in products}


def test_few_products_find_no_category(products):
    assert Counter(row["category"] for row in products)[OTHER] / len(products) < 0.15


def test_every_description_is_one_sentence_of_facts(products):
    sentence = re.compile(
        r"[\d,]+ sold in [\d,]+ orders? over 9 months(?:; ordered from \d+ countr(?:y|ies))?\."
    )
    assert [row["sku"] for row in products if not sentence.fullmatch(row["description"])] == []


# The medians come from sort and awk over the transactions, not from the build script.
@pytest.mark.parametrize(
    ("sku", "title", "price", "units", "category"),
    [
        ("23166", "Medium Ceramic Top Storage Jar", "1.25", "76,571", "Kitchen & Dining > Jars & Tins"),
        (
            "84077",
            "World War 2 Gliders Assorted Designs",
            "0.29",
            "37,426",
            "Toys & Crafts > Games & Puzzles",
        ),
        ("85099B", "Jumbo Bag Red Retrospot", "2.08", "31,647", "Bags & Travel > Shopping Bags"),
        ("22197", "Small Popcorn Holder", "0.85", "28,141", "Kitchen & Dining > Cutlery & Utensils"),
        (
            "21212",
            "Pack of 72 Retrospot Cake Cases",
            "0.55",
            "27,830",
            "Kitchen & Dining > Baking & Cake Stands",
        ),
    ],
)
def test_the_best_sellers_are_there(products, sku, title, price, units, category):
    [row] = [row for row in products if row["sku"] == sku]
    assert (row["title"], row["price"], row["category"]) == (title, price, category)
    assert row["description"].startswith(f"{units} sold in ")
