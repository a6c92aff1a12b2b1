"""Slugs: every script, bounded, never an id."""

from uuid import uuid4

import pytest
from nexus_catalog.services.slugs import LONGEST, slugify


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Set of 4 Cacti Candles", "set-of-4-cacti-candles"),
        ("  Glass + Zinc -- Lantern! ", "glass-zinc-lantern"),
        ("ቀይ ፋኖስ", "ቀይ-ፋኖስ"),
        ("ቡና፣ ሻይ", "ቡና-ሻይ"),
        ("Crème Brûlée", "crème-brûlée"),
        ("हिन्दी किताब", "हिन्दी-किताब"),
        ("a_b/c", "a-b-c"),
        ("!!!", "product"),
        ("😀", "product"),
    ],
)
def test_a_slug_keeps_the_letters_and_digits_of_every_script(text, slug):
    assert slugify(text, "product") == slug


def test_a_long_title_is_cut_between_words():
    assert slugify("lantern " * 30, "product") == "-".join(["lantern"] * 10)
    assert len(slugify("x" * 200, "product")) == LONGEST


def test_a_title_that_reads_like_an_id_gets_no_slug_that_is_one():
    assert slugify(str(uuid4()), "product") == "product"
