"""Lists: a keyset walk sees every row once, whatever others do meanwhile, and costs two queries a page."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import marshmallow as ma
import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Mapped, aliased

from nexus_kernel import (
    Blueprint,
    Keyed,
    Manifest,
    Model,
    PageQuery,
    Schema,
    Text,
    hookimpl,
    page_of,
    paginate,
    reading,
    transaction,
)
from nexus_kernel.api import pagination
from nexus_kernel.api.keyset import Order
from nexus_kernel.testing import count_queries

START = datetime(2026, 1, 1, tzinfo=UTC)
blp = Blueprint("page", __name__, url_prefix="/api/page")


class Leaf(Keyed, Model):
    __tablename__ = "page_leaf"

    label: Mapped[str]
    fallen_at: Mapped[datetime]


class LeafSchema(Schema):
    id = ma.fields.UUID()
    label = ma.fields.String()


class LeafQuery(PageQuery):
    q = Text(50)


@blp.get("/leaves/")
@blp.public
@blp.arguments(LeafQuery, location="query")
@blp.response(200, page_of(LeafSchema))
def list_leaves(args):
    statement = select(Leaf.id, Leaf.label)
    if args.get("q"):
        statement = statement.where(Leaf.label.startswith(args["q"]))
    with reading() as session:
        return paginate(
            session, statement, order=(Leaf.fallen_at, Leaf.id), args=args, present=lambda row: row
        )


@blp.get("/names/")
@blp.public
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(LeafSchema))
def list_names(args):
    with reading() as session:
        statement = select(Leaf.id, Leaf.label)
        return paginate(
            session, statement, order=(Leaf.id,), args=args, present=lambda row: row, descending=False
        )


@blp.get("/twins/")
@blp.public
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(LeafSchema))
def list_twins(args):
    other = aliased(Leaf)
    with reading() as session:
        statement = select(Leaf.id, other.label).select_from(Leaf).join(other, other.id == Leaf.id)
        return paginate(session, statement, order=(Leaf.id,), args=args, present=lambda row: row)


class Page:
    MANIFEST = Manifest(name="page", summary="Leaves", url_prefixes=("/api/page/",))

    @hookimpl
    def nexus_models(self):
        return [Leaf]

    @hookimpl
    def nexus_blueprints(self):
        return [blp]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Page()]


def fall(app, *labels: str) -> None:
    """Leaves that fell two by two at the same moment, so that the id decides."""
    with app.app_context(), transaction() as session:
        for number, label in enumerate(labels):
            session.add(Leaf(label=label, fallen_at=START + timedelta(seconds=number // 2)))


@pytest.fixture
def tree(app, client):
    app.extensions["nexus"].db.metadata.tables["page_leaf"].create(app.extensions["nexus"].db.engine)
    fall(app, *(f"leaf {number:02}" for number in range(25)))
    return client


def walk(client, url: str, link: str = "next", between=lambda: None) -> list[dict]:
    pages = []
    while url:
        response = client.get(url)
        assert response.status_code == 200, response.text
        pages.append(response.json)
        url = response.json[link]
        between()
    return pages


def labels(*pages: dict) -> list[str]:
    return [row["label"] for page in pages for row in page["results"]]


@pytest.mark.parametrize("size", [1, 4, 5, 25, 100])
def test_a_walk_yields_each_row_once_in_order(tree, size):
    found = labels(*walk(tree, f"/api/page/leaves/?page_size={size}"))
    assert len(found) == len(set(found)) == 25
    assert found[0] in ("leaf 24", "leaf 23") and set(found[-2:]) == {"leaf 00", "leaf 01"}


def test_a_walk_by_an_ascending_key_is_complete_too(tree):
    assert labels(*walk(tree, "/api/page/names/?page_size=7")) == [f"leaf {n:02}" for n in range(25)]


def test_rows_that_arrive_and_go_meanwhile_neither_repeat_nor_hide_another(app, tree):
    pages = walk(tree, "/api/page/leaves/?page_size=4", between=lambda: fall(app, *["new"] * 60))
    found = [label for label in labels(*pages) if label != "new"]
    assert len(found) == len(set(found)) == 25


def test_the_way_back_shows_the_same_pages(tree):
    forth = walk(tree, "/api/page/leaves/?page_size=4")
    back = walk(tree, forth[-1]["previous"], link="previous")
    assert [labels(page) for page in back] == [labels(page) for page in forth[-2::-1]]
    assert back[-1]["previous"] is None and back[0]["next"]


def test_the_first_page_has_no_previous_and_the_last_no_next(tree):
    pages = walk(tree, "/api/page/leaves/?page_size=10")
    assert pages[0]["previous"] is None and pages[-1]["next"] is None and pages[-1]["previous"]


def test_numbered_pages_link_by_number(tree):
    pages = walk(tree, "/api/page/leaves/?page_size=10&page=1")
    assert len(labels(*pages)) == len(set(labels(*pages))) == 25
    assert "page=2" in pages[0]["next"] and "page=1" in pages[1]["previous"] and pages[0]["previous"] is None


def test_a_page_beyond_the_end_is_empty(tree):
    page = tree.get("/api/page/leaves/?page=99").json
    assert (page["results"], page["count"], page["next"]) == ([], 25, None)


def test_links_keep_every_known_parameter_and_hold_neither_a_host_nor_a_strangers_parameter(tree):
    link = tree.get("/api/page/leaves/?zz=1&q=leaf&x=a%26b&page_size=4&page_size=5&x=2").json["next"]
    assert link.startswith("/api/page/leaves/?")
    query = parse_qs(urlsplit(link).query)
    assert (query.pop("page_size"), query.pop("q")) == (["4"], ["leaf"])
    assert list(query) == ["cursor"]


def test_equal_parameters_in_another_order_give_equal_bodies(tree):
    one = tree.get("/api/page/leaves/?page_size=4&q=leaf&utm=x").data
    assert one == tree.get("/api/page/leaves/?q=leaf&page_size=4").data


def cursor_of(client, url: str) -> str:
    return parse_qs(urlsplit(client.get(url).json["next"]).query)["cursor"][0]


def forged(*values) -> str:
    order = Order((Leaf.fallen_at, Leaf.id), True)
    return urlsafe_b64encode(orjson.dumps([order.tag, *values])).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "%00",
        "[]",
        "e30",
        "a" * 500,
        "bnVsbA",
        forged(),
        forged(False),
        forged(False, "x", "y"),
        forged(False, 5, 5),
        forged(False, "2026-01-01T00:00:00Z", 5),
        forged(False, "2026-01-01T00:00:00Z", None),
        forged(False, None, str(UUID(int=1))),
        forged("no", "2026-01-01T00:00:00Z", str(UUID(int=1))),
        forged(False, "2026-01-01T00:00:00Z", ["x"]),
        forged(False, {}, {}),
    ],
)
def test_a_garbled_cursor_is_422_and_names_the_field(tree, cursor):
    response = tree.get("/api/page/leaves/", query_string={"cursor": cursor})
    assert response.status_code == 422, response.text
    assert response.json["errors"][0]["path"] == "cursor"


def test_a_cursor_of_another_list_is_422(tree):
    cursor = cursor_of(tree, "/api/page/names/?page_size=4")
    assert tree.get("/api/page/leaves/", query_string={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        "page_size=0",
        "page_size=101",
        "page_size=-1",
        "page_size=x",
        "page=0",
        "page=-1",
        "page=x",
        "page=100001",
        "page_size=" + "9" * 30,
        "cursor=" + "a" * 501,
    ],
)
def test_a_parameter_out_of_bounds_is_422_and_named(tree, query):
    response = tree.get(f"/api/page/leaves/?{query}")
    assert response.status_code == 422 and response.json["errors"][0]["path"] == query.partition("=")[0]


def test_the_count_is_of_the_filtered_rows(tree):
    assert tree.get("/api/page/leaves/").json["count"] == 25
    assert tree.get("/api/page/leaves/?q=leaf 0").json["count"] == 10


def test_above_its_bound_the_count_says_that_it_is_not_exact(tree, monkeypatch):
    monkeypatch.setattr(pagination, "COUNT_BOUND", 10)
    page = tree.get("/api/page/leaves/").json
    assert (page["count"], page["count_exact"]) == (10, False)
    monkeypatch.setattr(pagination, "COUNT_BOUND", 25)
    assert tree.get("/api/page/leaves/").json["count_exact"] is True


@pytest.mark.parametrize("size", [1, 20])
def test_a_page_costs_one_query_and_no_transaction(app, tree, size):
    url = f"/api/page/leaves/?page_size={size}&cursor={cursor_of(tree, '/api/page/leaves/?page_size=3')}"
    with count_queries(app) as queries:
        tree.get(url)
    assert len(queries) == 1, str(queries)


def test_a_list_of_joined_tables_is_counted_too(tree):
    """A numbered page behind the last one has no rows to tell how many there are."""
    page = tree.get("/api/page/twins/?page=3").json
    assert (page["count"], page["results"]) == (25, [])
