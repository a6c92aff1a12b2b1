"""What an import makes of options, prices and stock: the rules are those of the routes."""

import json

import pytest
from click.testing import CliRunner
from nexus_catalog.commands import catalog
from nexus_catalog.importing import batches
from nexus_catalog.models import ImportChunk, PriceChange, Stock
from sqlalchemy import select, text

from nexus_kernel import new_id, reading, transaction
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, drain, in_threads

PRODUCTS = "/api/catalog/products/"
BASE = {"title": "Shirt", "description": "", "category": "", "price": "5", "stock": 9, "product": "shirt"}
RETIRED = "--include-retired"


def shirt(sku: str, size: str | None = None, **values) -> dict:
    options = {"options": {"size": size}} if size else {}
    return BASE | {"sku": sku} | options | values


@pytest.fixture
def load(app, tmp_path):
    """Imports these rows; the counts, and what was said on standard error."""

    def load(*rows: dict, options: tuple[str, ...] = ()) -> tuple[tuple[int, ...], str]:
        file = tmp_path / "products.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        with app.app_context():
            result = CliRunner().invoke(catalog, ["import", str(file), *options], catch_exceptions=False)
        counts = json.loads(result.stdout)["catalog"]
        figures = tuple(counts[name] for name in ("created", "updated", "unchanged", "refused"))
        return figures, " ".join(result.stderr.split())

    return load


@pytest.fixture
def export(app):
    """The exported rows."""

    def export(*options: str) -> list[dict]:
        with app.app_context():
            arguments = ["export", "--format", "jsonl", *options]
            result = CliRunner().invoke(catalog, arguments, catch_exceptions=False)
        return [json.loads(line) for line in result.stdout.splitlines()]

    return export


@pytest.fixture
def shown(client):
    """A product as it is shown."""
    return lambda slug="shirt": client.get(f"{PRODUCTS}{slug}/").json


@pytest.fixture
def variant(client, staff, shown):
    """The address of the variant of this SKU."""

    def variant(sku: str) -> str:
        product = shown()["id"]
        rows = client.get(f"{PRODUCTS}{product}/variants/?include_retired=1", headers=staff).json["results"]
        return f"{PRODUCTS}{product}/variants/{next(row['id'] for row in rows if row['sku'] == sku)}/"

    return variant


def options(product: dict) -> list[tuple]:
    return [(option["name"], option["values"]) for option in product["options"]]


def test_options_and_their_values_come_in_the_order_of_the_file(load, shown):
    two = [{"size": "S", "colour": "red"}, {"colour": "blue", "size": "M"}, {"size": "L", "colour": "red"}]
    load(*(shirt(f"S{n}", options=values) for n, values in enumerate(two)))
    assert options(shown()) == [("size", ["S", "M", "L"]), ("colour", ["red", "blue"])]
    assert [v["option_values"] for v in shown()["variants"]] == two


def test_a_product_of_one_variant_has_options_too_or_none(load, shown):
    load(shirt("S", "S"), shirt("P", product="", title="Plain"))
    assert options(shown()) == [("size", ["S"])] and options(shown("plain")) == []


def test_new_values_come_behind_the_stored_ones_whose_order_stays(client, staff, load, shown):
    load(shirt("S", "S"), shirt("M", "M"))
    wanted = [{"name": "size", "values": ["XS", "M", "S"]}]
    client.put(f"{PRODUCTS}{shown()['id']}/options/", json={"options": wanted}, headers=staff)
    assert load(shirt("S", "S"), shirt("L", "L"))[0] == (1, 0, 1, 0)
    assert options(shown()) == [("size", ["XS", "M", "S", "L"])]
    assert load(shirt("S", "S"), shirt("L", "L"))[0] == (0, 0, 2, 0)


def test_a_value_that_an_import_takes_from_its_last_variant_goes(load, shown):
    load(shirt("S", "S"), shirt("M", "M"))
    assert load(shirt("S", "S"), shirt("M", "Medium"))[0] == (0, 1, 1, 0)
    assert options(shown()) == [("size", ["S", "Medium"])]


def test_two_variants_swap_what_they_differ_in_and_a_new_one_takes_a_place(load, shown):
    load(shirt("A", "S"), shirt("B", "M"))
    assert load(shirt("A", "M"), shirt("B", "S"))[0] == (0, 2, 0, 0)
    assert load(shirt("A", "L"), shirt("C", "M"))[0] == (1, 1, 0, 0)
    found = {v["sku"]: v["option_values"]["size"] for v in shown()["variants"]}
    assert found == {"A": "L", "B": "S", "C": "M"} and options(shown()) == [("size", ["S", "M", "L"])]


def test_another_option_needs_every_variant_on_sale_in_the_file(load, shown):
    load(shirt("S", "S"), shirt("M", "M"))
    wide = [shirt(size, options={"size": size, "colour": "red"}) for size in "SML"]
    figures, words = load(wide[0], wide[2])
    assert figures == (0, 0, 0, 2) and "must have the same options as" in words
    assert load(*wide[:2])[0] == (0, 2, 0, 0)
    assert options(shown()) == [("size", ["S", "M"]), ("colour", ["red"])]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([shirt("S", "S"), shirt("X", "M")], "two variants of the product have the same options: X and M"),
        ([shirt("S", "s"), shirt("M", "S")], "the option size is written in two ways: S and s"),
        ([shirt("S", "S"), shirt("X", "L", currency="USD")], "a product has one currency: S has ETB"),
        ([shirt("S", "S", currency="USD")], "a product has one currency: S has USD"),
        ([shirt("S", options={"size": "S", "Size": "M"})], "an option comes twice"),
        ([shirt("S", options={"x" * 31: "S"})], "an option's name has 1 to 30 characters"),
        ([shirt("S", "x" * 51)], "an option's value has 1 to 50 characters"),
        ([shirt("S", options={f"{n}": "x" for n in range(6)})], "a variant has at most 5 options"),
    ],
)
def test_what_the_product_cannot_be_is_refused_with_a_reason_and_nothing_of_it_stored(
    load, shown, rows, reason
):
    load(shirt("S", "S"), shirt("M", "M"))
    before = shown()
    figures, words = load(*rows)
    assert figures == (0, 0, 0, len(rows)) and reason in words
    assert shown() == before


def test_the_default_of_a_product_with_variants_cannot_take_anothers_place_by_itself(load):
    load(shirt("S", "S"), shirt("M", "M"))
    figures, words = load(shirt("S", "M", product=""))
    assert figures == (0, 0, 0, 1) and "have the same options" in words


def test_an_option_has_a_bounded_number_of_values(load, nexus_config):
    load(*(shirt(f"{n}", f"{n}") for n in range(60)))
    swapped = [shirt(f"{n}", f"x{n}", active="false") for n in range(60, 101)]
    figures, words = load(shirt("0", "0"), *swapped)
    assert figures == (0, 0, 0, 42) and "the option size has more than 100 values" in words


def test_a_combination_of_a_retired_variant_is_free(client, staff, load, variant):
    load(shirt("S", "S"), shirt("M", "M"))
    client.delete(variant("M"), headers=staff)
    assert load(shirt("S", "S"), shirt("N", "M"))[0] == (1, 0, 1, 0)


def test_a_retired_variant_stays_retired_and_its_price_can_change(client, staff, load, variant, shown):
    load(shirt("S", "S"), shirt("M", "M"))
    url = variant("M")
    client.delete(url, headers=staff)
    assert load(shirt("S", "S"), shirt("M", "M", price="7"))[0] == (0, 1, 1, 0)
    assert [v["sku"] for v in shown()["variants"]] == ["S"]
    assert client.post(f"{url}restore/", headers=staff).json["price"] == "7.00"


def test_retired_variants_are_exported_when_asked_for_and_created_retired(
    client, staff, load, variant, export
):
    load(shirt("S", "S"), shirt("M", "M"), shirt("L", "L"))
    client.delete(variant("M"), headers=staff)
    assert [row["sku"] for row in export()] == ["S", "L"]
    rows = export(RETIRED)
    assert [(row["sku"], row["active"]) for row in rows] == [("S", "true"), ("M", "false"), ("L", "true")]
    assert load(*rows)[0] == (0, 0, 3, 0)
    copies = [row | {"sku": f"2{row['sku']}", "slug": "copy", "product": "copy"} for row in rows]
    assert load(*copies)[0] == (3, 0, 0, 0)
    assert [row["active"] for row in export(RETIRED)[3:]] == ["true", "false", "true"]
    assert options(client.get(f"{PRODUCTS}copy/").json) == [("size", ["S", "M", "L"])]


def test_options_are_exported_in_the_order_of_the_product(client, staff, load, shown, export):
    load(shirt("S", options={"zone": "1", "a": "2"}))
    assert list(export()[0]["options"]) == ["zone", "a"]
    wanted = [{"name": "a", "values": ["2"]}, {"name": "zone", "values": ["1"]}]
    client.put(f"{PRODUCTS}{shown()['id']}/options/", json={"options": wanted}, headers=staff)
    assert list(export()[0]["options"]) == ["a", "zone"]


def test_the_history_of_prices_names_who_sent_the_file_in(app, client, load, shown):
    load(shirt("S", "S"))
    person = new_id()
    line = json.dumps(shirt("S", "S", price="4"))
    headers = auth_headers(app, "staff", person_id=person)
    client.post("/api/catalog/imports/", data=line, headers=headers, content_type="application/x-ndjson")
    drain(app)
    load(shirt("S", "S", price="3"))
    with app.app_context(), reading() as session:
        rows = session.execute(select(PriceChange).order_by(PriceChange.id)).scalars()
        found = [(row.old_price_minor, row.new_price_minor, row.actor_id) for row in rows]
    assert found == [(500, 400, person), (400, 300, None)]
    assert shown()["variants"][0]["prior_price"] == "4.00"


def test_new_variants_have_the_low_mark_of_the_shop_and_a_fall_to_it_is_told(app, load):
    load(shirt("S", "S"), shirt("M", "M"))
    load(shirt("S", "S", stock=2), shirt("M", "M", stock=3), options=("--set-stock",))
    with app.app_context(), reading() as session:
        assert list(session.scalars(select(Stock.low_stock_threshold))) == [2, 2]
        told = select(OutboxEvent.payload).where(OutboxEvent.name == "catalog.stock_low")
        assert [(one["sku"], one["available"]) for one in session.scalars(told)] == [("S", 2)]


def test_what_is_imported_is_listed_and_found_at_once(client, load):
    load(shirt("S-77", "S", category="Clothes"))
    load(shirt("S-77", "S", category="Clothes", title="Blouse", price="8"))
    (found,) = client.get(f"{PRODUCTS}?q=blouse&category=clothes&min_price=8").json["results"]
    assert found["price"] == "8.00" and client.get(f"{PRODUCTS}?q=shirt").json["count"] == 0
    assert client.get(f"{PRODUCTS}?q=S-77").json["count"] == 1


def test_a_product_that_is_changed_between_the_plan_and_its_lock_is_planned_again(
    app, client, staff, load, variant, shown, monkeypatch
):
    load(shirt("S", "S"), shirt("M", "M"))
    wanted = [{"name": "size", "values": ["S", "M", "L"]}]
    client.put(f"{PRODUCTS}{shown()['id']}/options/", json={"options": wanted}, headers=staff)
    url, plan, times = variant("M"), batches.make_plan, []

    def becomes_large() -> int:
        change = {"option_values": {"size": "L"}}
        return app.test_client().patch(url, json=change, headers=staff).status_code

    def overtaken(session, *arguments):
        made = plan(session, *arguments)
        if not times:
            assert in_threads([becomes_large]) == [200]
        times.append(1)
        return made

    monkeypatch.setattr(batches, "make_plan", overtaken)
    figures, words = load(shirt("S", "S"), shirt("N", "L"))
    assert figures == (0, 0, 0, 2) and "the same options: N and M" in words and len(times) == 2


def test_imports_and_people_change_the_same_products_at_once(app, staff, load, variant, shown):
    load(*(shirt(f"{n}", f"{n}") for n in range(5)))
    urls = [variant(f"{n}") for n in range(5)]

    def edit() -> list[int]:
        client, prices = app.test_client(), [{"price": f"{n}.50"} for n in range(1, 7)]
        answers = [client.patch(url, json=price, headers=staff) for price in prices for url in urls]
        return [answer.status_code for answer in answers]

    def bring() -> list[int]:
        files = [[shirt(f"{n}", f"{n}", price=f"{price}") for n in range(5)] for price in range(1, 5)]
        return [load(*rows)[0][3] for rows in files]

    edited, brought = in_threads([edit, bring])
    assert set(edited) == {200} and set(brought) == {0}
    with app.app_context(), transaction() as session:
        broken = session.execute(
            text("""
            SELECT count(*) FROM catalog_listing l JOIN catalog_variant v ON v.id = l.variant_id
            WHERE v.price_minor <> l.price_minor
        """)
        ).scalar()
    assert broken == 0


def test_the_words_of_the_shops_addresses_are_no_slugs(load):
    figures, words = load(shirt("S", slug="managed"))
    assert figures == (0, 0, 0, 1) and "a word of the shop's own addresses" in words


def test_a_finished_import_leaves_no_file_behind(app, client, staff):
    client.post(
        "/api/catalog/imports/",
        data=json.dumps(shirt("S", "S")),
        headers=staff,
        content_type="application/x-ndjson",
    )
    drain(app)
    with app.app_context(), reading() as session:
        assert session.scalars(select(ImportChunk.number)).all() == []
