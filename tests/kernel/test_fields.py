"""Text that people send: one line unless said otherwise, and nothing that cannot be seen."""

import marshmallow as ma
import pytest

from nexus_kernel import Country, Text


class Sent(ma.Schema):
    line = Text(20, minimum=1)
    lines = Text(20, multiline=True)
    country = Country()


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\0", "\x1b", "\x7f", "\x85", "\x9e", "\ud800"])
def test_a_line_has_no_control_characters(character: str):
    with pytest.raises(ma.ValidationError, match="control characters"):
        Sent().load({"line": f"a{character}b"})


def test_several_lines_may_be_broken_and_indented():
    assert Sent().load({"lines": "a\r\n\tb"}) == {"lines": "a\r\n\tb"}


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x9e"])
def test_several_lines_have_no_other_control_characters(character: str):
    with pytest.raises(ma.ValidationError, match="control characters"):
        Sent().load({"lines": f"a{character}b"})


@pytest.mark.parametrize("text", ["", "   ", "\u200b", " \u2060 \ufeff "])
def test_what_cannot_be_seen_counts_as_empty(text: str):
    with pytest.raises(ma.ValidationError, match="Length must be between 1 and 20"):
        Sent().load({"line": text})


@pytest.mark.parametrize("text", ["ላምባዲና", "می‌خواهم", "Ω", "👩‍👩‍👧"])
def test_every_script_passes_with_its_joiners(text: str):
    assert Sent().load({"line": f" {text} "}) == {"line": text}


@pytest.mark.parametrize("code", ["ET", "DE", "TL"])
def test_a_country_is_a_code_of_the_standard(code: str):
    assert Sent().load({"line": "x", "country": code})["country"] == code


@pytest.mark.parametrize("code", ["", "et", "ETH", "XX", "UK", "E", "\u1369", 1, None])
def test_what_is_no_assigned_code_is_no_country(code: object):
    with pytest.raises(ma.ValidationError):
        Sent().load({"line": "x", "country": code})
