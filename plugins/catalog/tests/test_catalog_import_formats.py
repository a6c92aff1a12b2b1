"""What the import reads, what it refuses, and what becomes of refused rows."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from nexus_catalog.commands import catalog
from nexus_catalog.importing.records import READERS, ImportFault
from nexus_catalog.importing.rows import checked
from sqlalchemy import text

from nexus_kernel import reading
from nexus_kernel.testing.fixtures import SECRET_KEY

HEADER = "sku,title,description,category,price,stock"
LANTERN = {
    "sku": "L-1",
    "title": "ፋኖስ",
    "description": "",
    "category": "Home > Garden",
    "price": "12.50",
    "stock": 3,
}


@pytest.fixture
def load(app, tmp_path):
    """Imports this content under this name; the command's result."""

    def load(content: str | bytes, *options: str, name: str = "products.csv") -> Result:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        with app.app_context():
            return CliRunner().invoke(catalog, ["import", str(file), *options], catch_exceptions=False)

    return load


def figures(result: Result) -> tuple[int, int, int, int]:
    counts = json.loads(result.stdout)["catalog"]
    return counts["created"], counts["updated"], counts["unchanged"], counts["refused"]


def lines(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("name", ["p.jsonl", "p.ndjson", "P.JSONL"])
def test_json_lines_follow_the_same_rules(client, load, name):
    rows = lines(LANTERN, LANTERN | {"sku": "L-2", "price": 7, "stock": "4", "category": None})
    assert figures(load("\ufeff" + rows + "\n  \n", name=name)) == (2, 0, 0, 0)
    assert figures(load(rows, name=name)) == (0, 0, 2, 0)
    assert client.get("/api/catalog/products/ፋኖስ/").json["price"] == "12.50"


def test_numbers_of_json_are_read_exactly(client, load):
    rows = lines(LANTERN).replace('"12.50"', "12.10")
    assert figures(load(rows, name="p.jsonl")) == (1, 0, 0, 0)
    assert client.get("/api/catalog/products/ፋኖስ/").json["price"] == "12.10"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"price": True}, "price must be a number"),
        ({"price": [1]}, "price must be a number"),
        ({"price": 1.005}, "ETB amounts have 2 decimals"),
        ({"price": 1e30}, "price must be a plain decimal"),
        ({"stock": 1.0}, "stock must be a whole number"),
        ({"stock": -1}, "stock must be a whole number"),
        ({"stock": 2**31}, "stock must be a whole number"),
        ({"stock": None}, "stock must be a whole number"),
        ({"title": 5}, "title must be text"),
        ({"title": None}, "title is empty"),
        ({"title": ["x"]}, "title must be text"),
        ({"title": "a\u0000b"}, "control characters"),
        ({"title": "a\nb"}, "line breaks"),
        ({"title": "a\ud800"}, "no JSON"),
        ({"category": ["Home"]}, "category must be text"),
        ({"currency": "BIR"}, "not an active ISO 4217"),
        ({"slug": "Red Lantern"}, "slug must be letters"),
        ({"seller": "me"}, "seller must be the id"),
        ({"options": []}, "options must be an object"),
        ({"options": {"colour": 1}}, "options must be an object"),
        ({"options": {"": "x"}}, "name has 1 to 30"),
        ({"options": {str(n): "x" for n in range(6)}}, "at most 5 options"),
        ({"images": 5}, "images must be"),
        ({"images": ["a", "a"]}, "none of them twice"),
        ({"image_alt": ["a", "b"]}, "more texts than"),
        ({"active": "maybe"}, "active must be true or false"),
        ({"active": True}, "active must be text"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(load, change, reason):
    result = load(lines(LANTERN | change), name="p.jsonl")
    assert figures(result) == (0, 0, 0, 1) and reason in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
        ("null", "no JSON object"),
        ("NaN", "no JSON"),
        ('{"sku": "A"}', "title is missing"),
        ('{"sku": "A", "SKU": "B"}', "upper and lower case"),
        ("[" * 100_000, "no JSON"),
        ('{"a":' * 50_000, "no JSON"),
        ('"' + "x" * 2_000_000 + '"', "longer than 1048576 bytes"),
    ],
)
def test_a_bad_line_is_refused_and_the_others_go_on(load, line, reason):
    result = load(lines(LANTERN) + line + "\n" + lines(LANTERN | {"sku": "L-2"}), name="p.jsonl")
    assert figures(result) == (2, 0, 0, 1) and reason in " ".join(result.stderr.split())


def test_gzip_is_read_by_suffix_and_a_cut_one_is_a_sentence(load):
    packed = gzip.compress(f"{HEADER}\nL-1,Lantern,,,5,1\n".encode())
    assert figures(load(packed, name="p.csv.gz")) == (1, 0, 0, 0)
    assert figures(load(gzip.compress(lines(LANTERN).encode()), name="p.jsonl.gz"))[2:] == (0, 0)
    for content in (packed[:-9], b"no gzip", packed[:20]):
        result = load(content, name="p.csv.gz")
        assert result.exit_code == 1 and "gzip" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("chosen", "content"), [("csv", f"{HEADER}\nL-1,A,,,5,1\n"), ("jsonl", lines(LANTERN))]
)
def test_standard_input_is_read(app, chosen, content):
    with app.app_context():
        result = CliRunner().invoke(catalog, ["import", "-", "--format", chosen], input=content)
    assert figures(result) == (1, 0, 0, 0)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_separators_of_other_locales_are_read(client, load, delimiter):
    content = f"sep=;\r\n{HEADER}\r\nL-1,Lantern,a b,,5.5,1\r\n".replace(",", delimiter)
    assert figures(load(content if delimiter == ";" else content[7:])) == (1, 0, 0, 0)
    assert client.get("/api/catalog/products/lantern/").json["price"] == "5.50"


def test_a_decimal_comma_is_refused_and_never_guessed(load):
    assert "plain decimal" in load(f"{HEADER}\nL-1,A,,,5 50,1\n".replace(",", ";").replace(" ", ",")).stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{HEADER}\nL-1,A,,,5,1\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04rest", "workbook"),
        (gzip.compress(b"x", mtime=0), "gzip under another name"),
        (f"{HEADER}\rL-1,A,,,5,1\r", "carriage return alone"),
        (f"{HEADER},Price\n", "the column price twice"),
        (b"x" * 3_000_000, "longer than a megabyte"),
        ('"open\n', "sku is missing"),
        ("\x00\x00", "sku is missing"),
    ],
)
def test_a_file_without_sense_is_refused_as_a_whole(load, content, words):
    result = load(content)
    assert result.exit_code == 1 and words in " ".join(result.stderr.split()) and not result.stdout


def test_an_array_of_json_is_refused_as_a_whole(load):
    result = load("[\n" + lines(LANTERN), name="p.jsonl")
    assert result.exit_code == 1 and "JSON array" in result.stderr


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"L-9,Caf\xe9,,,5,1", "title is not UTF-8"),
        (b"L-9,A,\x00,,5,1", "control characters"),
        (b"L-9," + b"x" * 200_000 + b",,,5,1", "a cell never ends"),
        (b"L-9," + b"x" * 3_000_000 + b",,,5,1", "longer than 1048576"),
        (b'L-9,"A"b,,,5,1', "no CSV"),
        (b"L-9" + b"," * 900_000, "cells where the first line has 6"),
        (b"L-9,A\x85,,,5,1", "title is not UTF-8"),
        ("L-9,A\x85b,,,5,1".encode(), "control characters"),
    ],
)
def test_a_bad_row_of_csv_is_refused_and_the_others_go_on(load, row, reason):
    result = load(f"{HEADER}\nL-1,A,,,5,1\n".encode() + row + b"\nL-2,B,,,5,1\n")
    assert figures(result) == (2, 0, 0, 1) and reason in " ".join(result.stderr.split())


def test_a_quote_left_open_is_refused_with_the_lines_that_it_swallowed(load):
    result = load(f'{HEADER}\nL-1,A,,,5,1\nL-2,"B,,,5,1\nL-3,C,,,5,1\n')
    assert figures(result) == (1, 0, 0, 1)
    assert "lines 3 to 4: a cell never ends; is a quote left open?" in " ".join(result.stderr.split())


def test_unknown_columns_are_named_once_and_left_alone(load):
    result = load(f"{HEADER},Prise,colour\nL-1,A,,,5,1,9,red\n")
    words = " ".join(result.stderr.split())
    assert (
        figures(result) == (1, 0, 0, 0)
        and "'prise' is unknown and not imported; did you mean price?" in words
    )
    result = load(lines(*[LANTERN | {"sku": str(n), "weight": n} for n in range(30)]), name="p.jsonl")
    assert result.stderr.count("column 'weight'") == 1


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_refused_rows_are_mended_in_their_file_and_imported_from_it(client, load, tmp_path, format):
    refused = tmp_path / f"refused.{format}"
    good = (
        f'{HEADER},colour\n=1+1,"ቀይ ""A""","x\ny",,5,1,red\nL-2,B,,,x,1,blue\nL-3,,two\nL-4,D,,,5,1,g,more\n'
    )
    if format == "jsonl":
        bad = LANTERN | {"price": "x", "weight": 1.5}
        good = lines(LANTERN | {"sku": "=1+1"}, bad | {"sku": "L-2"}, bad | {"sku": "L-3"}) + "{\n"
    assert figures(load(good, "--refused", str(refused), name=f"p.{format}")) == (1, 0, 0, 3)
    content = refused.read_text()
    assert content.count("price must be") == (1 if format == "csv" else 2)
    assert figures(load(content, "--refused", str(refused), name=f"p.{format}")) == (0, 0, 0, 3)
    assert refused.read_text().splitlines()[1].split(",", 2)[2:] == content.splitlines()[1].split(",", 2)[2:]
    mended = content.replace(",,,x,1", ",,,5,1").replace('"price":"x"', '"price":"5"')
    assert figures(load(mended, name=f"p.{format}"))[0] == content.count("price must be")


def test_refused_bytes_stay_as_they_were(load, tmp_path):
    refused = tmp_path / "refused.csv"
    load(f"{HEADER}\n".encode() + b"L-9,Caf\xe9,,,5,1\n", "--refused", str(refused))
    assert b"L-9,Caf\xe9,,,5,1\n" in refused.read_bytes()


def test_the_columns_of_currency_slug_and_seller_are_stored_and_left_out_ones_left_alone(client, load):
    seller = "01890000-0000-7000-8000-000000000001"
    full = LANTERN | {"currency": "KWD", "price": "1.234", "slug": "my-ፋኖስ", "seller": seller}
    load(lines(full), name="p.jsonl")
    product = client.get("/api/catalog/products/my-ፋኖስ/").json
    assert (product["price"], product["currency"], product["seller_id"]) == ("1.234", "KWD", seller)
    assert figures(load(lines(full), name="p.jsonl")) == (0, 0, 1, 0)
    without = {k: v for k, v in full.items() if k not in ("slug", "seller")}
    assert figures(load(lines(without), name="p.jsonl")) == (0, 0, 1, 0)
    assert figures(load(lines(full | {"seller": ""}), name="p.jsonl")) == (0, 1, 0, 0)
    assert client.get("/api/catalog/products/my-ፋኖስ/").json["seller_id"] is None


def test_a_slug_that_is_taken_is_refused_and_that_of_a_known_product_stays(load):
    one, two = LANTERN | {"slug": "a"}, LANTERN | {"sku": "L-2", "slug": "a"}
    result = load(lines(one, two), name="p.jsonl")
    assert figures(result) == (1, 0, 0, 1) and "another product has the slug a" in result.stderr
    assert "another product has the slug" in load(lines(two), name="p.jsonl").stderr
    result = load(lines(one | {"slug": "b"}), name="p.jsonl")
    assert figures(result) == (0, 0, 0, 1) and "so that links hold; it is a" in " ".join(
        result.stderr.split()
    )


ROWS = st.fixed_dictionaries(
    {
        "sku": st.sampled_from(["A", "B", "C", "D", "E", ""]),
        "title": st.sampled_from(["Lamp", "Lamp", "Cup", ""]),
        "description": st.just(""),
        "category": st.sampled_from(["", "Home", "Home > Cups"]),
        "price": st.sampled_from(["5", "6", "x"]),
        "stock": st.sampled_from([1, 2]),
    },
    optional={
        "slug": st.sampled_from(["lamp", "lamp-2", "cup", ""]),
        "product": st.sampled_from(["p", "q", ""]),
        "options": st.sampled_from([{}, {"size": "L"}, {"size": "S"}, {"colour": "red"}]),
    },
)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=8), st.booleans())
def test_a_dry_run_says_exactly_what_a_run_does(app, load, rows, set_stock):
    options = ["--set-stock"] if set_stock else []
    with app.app_context(), reading() as session:
        before = session.execute(text("SELECT count(*) FROM catalog_product")).scalar()
    dry = load(lines(*rows), "--dry-run", *options, name="p.jsonl")
    with app.app_context(), reading() as session:
        assert session.execute(text("SELECT count(*) FROM catalog_product")).scalar() == before
    real = load(lines(*rows), *options, name="p.jsonl")
    assert figures(dry) == figures(real)
    reasons = [line for line in dry.stderr.splitlines() if line.startswith("line ")]
    assert reasons == [line for line in real.stderr.splitlines() if line.startswith("line ")]
    again = figures(load(lines(*rows), *options, name="p.jsonl"))
    assert again[:2] == (0, 0) and again[2] >= figures(real)[0]


@examples(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["csv", "jsonl"]), st.booleans())
def test_no_bytes_are_more_than_a_refusal(content, format, with_header):
    start = f"{HEADER},options,images\n".encode() if with_header and format == "csv" else b""
    try:
        for record in READERS[format](io.BytesIO(start + content)):
            try:
                checked(record, "ETB")
            except ValueError as reason:
                assert str(reason)
    except ImportFault as fault:
        assert str(fault)


MEASURED = """
import re, sys
from pathlib import Path
from nexus_catalog.importing.terminal import import_file
from nexus_kernel import create_app
with create_app(plugins=["catalog"]).app_context():
    import_file(Path(sys.argv[1]), currency=None, dry_run=False, refused=None, set_stock=False)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
def test_memory_stays_below_200_mib_whatever_is_in_the_file(app, tmp_path, database_url, nexus_engines):
    file = tmp_path / "large.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER.split(","))
        writer.writerows([f"M-{n}", f"Lantern {n % 500}", "x" * 500, "A > B", 5, 1] for n in range(12_000))
        stream.write("M-0," + "y" * 100_000_000 + ",,,5,1\n")
        writer.writerows([f"M-{n % 12_000}", "Twice", "z" * 500, "", 5, 1] for n in range(18_000))
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": nexus_engines.redis_url,
        "NEXUS_KERNEL__ENVIRONMENT": "test",
        "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY,
    }
    answer = subprocess.run(
        [sys.executable, "-c", MEASURED, str(file)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    counts, memory = answer.stdout.splitlines()
    assert json.loads(counts)["catalog"]["created"] == 12_000
    assert json.loads(counts)["catalog"]["refused"] == 18_001
    assert int(memory) < 200
