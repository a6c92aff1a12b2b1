"""Suggestions while somebody types."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nexus_catalog.schemas.suggestions import SuggestionsSchema

from nexus_kernel.testing import count_queries

URL = "/api/catalog/suggestions/"


@pytest.fixture
def suggested(client):
    """The texts suggested for what was typed."""

    def suggested(typed):
        response = client.get(URL, query_string={"q": typed})
        assert response.status_code == 200, response.text
        assert SuggestionsSchema().validate(response.json) == {}
        return [suggestion["text"] for suggestion in response.json["results"]]

    return suggested


@pytest.fixture
def shop(sell, category):
    category("Lanterns & Lamps")
    for title in (
        "Lantern",
        "Lantern of brass",
        "Red lantern",
        "Garden chair",
        "ፋኖስ ቀይ",
        "ትልቅ ፋኖስ",
        "Crème bowl",
    ):
        sell(title)


def test_categories_come_first_then_what_begins_with_the_text_then_what_holds_it(shop, suggested):
    assert suggested("lant") == ["Lanterns & Lamps", "Lantern", "Lantern of brass", "Red lantern"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("g", "Garden chair"),
        ("GARDEN C", "Garden chair"),
        ("ፋ", "ፋኖስ ቀይ"),
        ("ፋኖ", "ትልቅ ፋኖስ"),
        ("creme", "Crème bowl"),
        ("lantren", "Red lantern"),
        ("chiar", "Garden chair"),
        ("Latnerns & Lamps", "Lanterns & Lamps"),
    ],
)
def test_any_script_case_and_typing_error_finds(shop, suggested, typed, expected):
    assert expected in suggested(typed)


@pytest.mark.parametrize("typed", ["!!!", "zzzz", "%", "_", "\\", "'"])
def test_what_nothing_is_like_suggests_nothing(shop, suggested, typed):
    assert suggested(typed) == []


def test_at_most_ten_and_no_title_twice(sell, suggested):
    for number in range(15):
        sell("Lantern"), sell(f"Lantern {number}")
    found = suggested("lantern")
    assert len(found) == len(set(found)) == 10 and found[0] == "Lantern"


def test_retired_products_are_not_suggested(client, sell, staff, suggested):
    client.delete(f"/api/catalog/products/{sell('Red lantern').product_id}/", headers=staff)
    assert suggested("red") == suggested("lantern") == []


def test_a_suggestion_says_where_to_go(client, sell):
    lantern = sell("Lantern")
    (found,) = client.get(f"{URL}?q=lan").json["results"]
    assert found == {"kind": "product", "id": str(lantern.product_id), "text": "Lantern", "slug": "lantern"}


@pytest.mark.parametrize("typed", ["l", "lan", "lantren"])
def test_suggestions_are_one_query(app, client, shop, typed):
    with count_queries(app) as queries:
        client.get(URL, query_string={"q": typed})
    assert len(queries) == 1, str(queries)


@pytest.mark.parametrize("query", ["", "q=", "q=%20", f"q={'x' * 101}", "q=%00"])
def test_text_that_is_none_is_422(client, query):
    response = client.get(f"{URL}?{query}")
    assert response.status_code == 422 and response.json["errors"][0]["path"] == "q"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(typed=st.text(max_size=40))
def test_no_text_at_all_is_a_server_error(client, typed):
    response = client.get(URL, query_string={"q": typed.encode("utf-8", "replace")})
    assert response.status_code in (200, 422)
