"""CSV files: harmless in a spreadsheet, and exact for whoever reads them back."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_kernel.spreadsheets import BOM, csv_rows, inert, plain

DANGEROUS = ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'=", "''@"]


def read(piece: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(piece.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("prefix", DANGEROUS)
def test_text_that_would_be_a_formula_begins_with_an_apostrophe(prefix: str):
    ((cell, after),) = read(csv_rows([[f"{prefix}1+1", "after"]]))
    assert cell == f"'{prefix}1+1" and after == "after"
    assert plain(cell) == f"{prefix}1+1"


@pytest.mark.parametrize(
    "text", ["", "ላምባዲና", "a=b", "'quoted'", "12-3", "two\nlines", 'with "quotes", and commas']
)
def test_other_text_stands_as_it_is(text: str):
    assert read(csv_rows([[text, "x"]])) == [[text, "x"]]


def test_numbers_stay_numbers_and_nothing_is_empty():
    assert csv_rows([[-5, Decimal("-1.50"), 0, None, "-5"]]) == b"-5,-1.50,0,,'-5\r\n"


def test_the_mark_is_no_part_of_the_first_cell():
    assert read(BOM + csv_rows([["ቁጥር"]])) == [["ቁጥር"]]


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=4), max_size=5)
)
def test_what_is_written_is_read_back(rows: list[list[str]]):
    assert [[plain(cell) for cell in row] for row in read(csv_rows(rows))] == rows


@given(st.text())
def test_no_cell_begins_a_formula(text: str):
    assert not inert(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert plain(inert(text)) == text
