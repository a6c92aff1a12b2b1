"""`@blp.cached`: normalised keys, ETags, 304, and answers before Flask is asked."""

import gzip
import logging

import pytest
from flask import Response, make_response, request
from marshmallow import fields

from nexus_kernel import (
    Amount,
    Blueprint,
    Manifest,
    NotFound,
    PageQuery,
    current_cache,
    hookimpl,
    transaction,
)
from nexus_kernel.api.cached import depends_on
from nexus_kernel.api.fastpath import MOST_LINES
from nexus_kernel.context import skippable
from nexus_kernel.testing import auth_headers

blp = Blueprint("shelf", __name__, url_prefix="/api/shelf")
URL = "/api/shelf/rows/"


class Shelf:
    """What the routes show, and how often they were asked to build it."""

    built = 0
    row = "one"


class RowQuery(PageQuery):
    in_stock = fields.Boolean()
    max_price = Amount()
    owner = fields.UUID(data_key="seller")
    q = fields.String()


@blp.get("/rows/")
@blp.public
@blp.cached(tags=["shelf:rows"])
@blp.arguments(RowQuery, location="query")
@blp.response(200)
def list_rows(args):
    Shelf.built += 1
    given = ",".join(f"{name}={value}" for name, value in request.args.items(multi=True))
    return Response(
        f'{{"row":"{Shelf.row}","given":"{given}","pad":"{"x" * 2000}"}}', mimetype="application/json"
    )


@blp.get("/rows/<name>/")
@blp.public
@blp.cached(tags=[])
@blp.response(200)
def get_row(name):
    Shelf.built += 1
    if name == "gone":
        raise NotFound("There is no such row.")
    depends_on(f"shelf:row:{name}")
    return Response(Shelf.row, mimetype="text/plain")


@blp.get("/headers/")
@blp.public
@blp.cached(tags=[])
@blp.response(200)
def get_headers():
    Shelf.built += 1
    return make_response("x", 200, {"Content-Language": "am"})


class Plugin:
    MANIFEST = Manifest(name="shelf", summary="Rows", url_prefixes=("/api/shelf/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Plugin()]


@pytest.fixture(autouse=True)
def shelf():
    Shelf.built, Shelf.row = 0, "one"
    return Shelf


def invalidate(app, *tags):
    with app.app_context(), transaction():
        current_cache().invalidate(*tags)


@pytest.mark.parametrize(
    "same",
    [
        ["", "page_size=20", "zz=1", "zz=2&page_size=20", "page_size=020"],
        ["in_stock=true&max_price=5", "max_price=5.00&in_stock=1", "zz=3&in_stock=True&max_price=5.0"],
        ["seller=0192F0C4-7D3E-7A51-9C1E-000000000000", "seller=0192f0c47d3e7a519c1e000000000000"],
        ["q=a%20b", "q=a+b", "q=a b"],
    ],
)
def test_requests_that_mean_the_same_are_one_answer(client, same):
    answers = {client.get(f"{URL}?{query}").data for query in same}
    assert len(answers) == 1 and Shelf.built == 1


@pytest.mark.parametrize(
    "others",
    [["", "page=1", "page=2"], ["in_stock=1", "in_stock=0"], ["q=a", "q=A", "q="], ["q=a%26page%3D2"]],
)
def test_requests_that_mean_something_else_are_not(client, others):
    for query in others:
        client.get(f"{URL}?{query}")
    assert Shelf.built == len(others)


def test_the_view_sees_no_parameter_that_its_schema_does_not_know(client):
    assert client.get(f"{URL}?zz=1&q=b&page_size=5").json["given"] == "page_size=5,q=b"


def test_parameters_that_do_not_hold_are_refused_and_not_kept(client):
    for _ in range(2):
        assert client.get(f"{URL}?page_size=many").status_code == 422
    assert Shelf.built == 0


def test_an_answer_that_is_no_200_is_not_kept(client):
    for _ in range(2):
        assert client.get(f"{URL}gone/").status_code == 404
    assert Shelf.built == 2


def test_an_answer_with_headers_of_its_own_keeps_them_and_is_not_kept(client):
    for _ in range(2):
        assert client.get("/api/shelf/headers/").headers["Content-Language"] == "am"
    assert Shelf.built == 2


def test_a_hit_is_the_same_answer_as_the_first(client):
    first, second = client.get(URL), client.get(URL)
    assert first.data == second.data and Shelf.built == 1
    for response in (first, second):
        response.headers.pop("X-Request-ID")
    assert sorted(first.headers) == sorted(second.headers)


def test_a_hit_is_given_before_flask_is_asked(app, client, monkeypatch):
    client.get(URL)
    monkeypatch.setattr(app, "full_dispatch_request", lambda: pytest.fail("Flask was asked"))
    assert client.get(URL).status_code == 200


def test_invalidation_ends_answers_also_for_tags_of_what_they_show(app, client):
    client.get(URL), client.get(f"{URL}a/"), client.get(f"{URL}b/")
    Shelf.row = "two"
    invalidate(app, "shelf:row:a")
    assert [client.get(f"{URL}{name}/").text for name in "ab"] == ["two", "one"]
    invalidate(app, "shelf:rows")
    assert client.get(URL).json["row"] == "two"


@pytest.mark.parametrize("known", ['"{}"', 'W/"{}"', '"other", "{}"', "*", ' "x",W/"{}" '])
def test_304_to_a_client_that_has_it(client, known):
    etag = client.get(URL).headers["ETag"]
    for _ in range(2):
        response = client.get(URL, headers={"If-None-Match": known.format(etag.strip('"'))})
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag and "Content-Type" not in response.headers
    assert Shelf.built == 1


@pytest.mark.parametrize("known", ['"other"', "", "{}", '"', "W/", '"*"', '"{}', "\xe9"])
def test_200_to_a_client_that_has_something_else(client, known):
    etag = client.get(URL).headers["ETag"]
    for _ in range(2):
        response = client.get(URL, headers={"If-None-Match": known.format(etag.strip('"'))})
        assert response.status_code == 200 and response.json["row"] == "one"


def test_304_never_confirms_what_changed(app, client):
    etag = client.get(URL).headers["ETag"]
    Shelf.row = "two"
    invalidate(app, "shelf:rows")
    assert client.get(URL, headers={"If-None-Match": etag}).json["row"] == "two"


def test_each_encoding_has_an_etag_of_its_own_and_says_that_it_varies(client):
    plain, packed = client.get(URL), client.get(URL, headers={"Accept-Encoding": "br, gzip"})
    assert gzip.decompress(packed.data) == plain.data and packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 4


def test_a_client_is_told_304_for_either_encoding_that_it_takes_and_no_other(client):
    plain = client.get(URL).headers["ETag"]
    packed = client.get(URL, headers={"Accept-Encoding": "gzip"}).headers["ETag"]
    answers = {
        (etag, takes): client.get(URL, headers={"If-None-Match": etag, "Accept-Encoding": takes}).status_code
        for etag in (plain, packed)
        for takes in ("gzip", "identity")
    }
    assert answers == {
        (plain, "gzip"): 304,
        (plain, "identity"): 304,
        (packed, "gzip"): 304,
        (packed, "identity"): 200,
    }


@pytest.mark.parametrize("refused", ["", "identity", "gzip;q=0", "br", "*;q=0", "gzip;q=0, *"])
def test_a_client_that_takes_no_gzip_gets_none(client, refused):
    for _ in range(2):
        assert "Content-Encoding" not in client.get(URL, headers={"Accept-Encoding": refused}).headers


def test_small_answers_are_not_compressed_and_do_not_vary(client):
    response = client.get(f"{URL}a/", headers={"Accept-Encoding": "gzip"})
    assert response.text == "one" and "Vary" not in response.headers


def test_head_is_the_answer_without_its_body(client):
    size = client.get(URL).headers["Content-Length"]
    for _ in range(2):
        response = client.head(URL)
        assert (response.status_code, response.data) == (200, b"")
        assert response.headers["Content-Length"] == size
    assert Shelf.built == 1


def test_if_match_is_honoured(client):
    etag = client.get(URL).headers["ETag"]
    assert client.get(URL, headers={"If-Match": etag}).status_code == 200
    assert client.get(URL, headers={"If-Match": '"other"'}).status_code == 412


def test_a_hit_takes_over_a_request_id_or_makes_one_and_is_logged(app, client, monkeypatch):
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logger = logging.getLogger("nexus.request")
    monkeypatch.setattr(logger, "handlers", [handler])
    logger.setLevel(logging.INFO)
    try:
        for given in ("abc-1", "a b", "x" * 101, None):
            for _ in range(2):
                headers = {"X-Request-ID": given} if given else {}
                echoed = client.get(URL, headers=headers).headers["X-Request-ID"]
                assert (echoed == given) == (given == "abc-1") and echoed
    finally:
        logger.setLevel(logging.NOTSET)
    assert [(record.method, record.path, record.status) for record in records] == [("GET", URL, 200)] * 8


def test_a_bad_token_does_not_matter_to_a_public_answer(app, client):
    for headers in ({"Authorization": "Bearer x"}, auth_headers(app), {}):
        response = client.get(URL, headers=headers)
        assert response.status_code == 200 and response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_lines_that_were_seen_are_bounded_in_number_and_length(app, client):
    for number in range(20):
        client.get(f"{URL}?zz={number}")
    client.get(f"{URL}?zz={'x' * 2000}")
    seen = app.wsgi_app._seen
    assert len(seen) == 20 <= MOST_LINES and Shelf.built == 1


def test_methods_that_change_things_are_never_answered_from_what_was_kept(client):
    client.get(URL)
    assert client.post(URL, json={}).status_code == 405


def test_a_function_around_every_request_runs_for_hits_too_unless_it_may_be_left_out(app):
    calls = []
    app.after_request_funcs[None].append(skippable(lambda response: calls.append("left out") or response))
    client = app.test_client()
    client.get(URL), client.get(URL)
    assert calls == ["left out"]
    app.wsgi_app._seen.clear()
    app.after_request_funcs[None].append(lambda response: calls.append("counted") or response)
    client.get(URL), client.get(URL)
    assert calls.count("counted") == 2 and Shelf.built == 1


def test_a_request_from_another_origin_takes_the_long_way(app, client, monkeypatch):
    client.get(URL)
    asked = []
    dispatch = app.full_dispatch_request
    monkeypatch.setattr(app, "full_dispatch_request", lambda: asked.append(1) or dispatch())
    assert client.get(URL, headers={"Origin": "https://example.com"}).status_code == 200
    assert asked and Shelf.built == 1


class TestWithoutCache:
    @pytest.fixture
    def nexus_config(self):
        return {"kernel": {"cache": "off"}}

    def test_every_answer_is_built_and_conditional_requests_work(self, client):
        etag = client.get(URL).headers["ETag"]
        assert client.get(URL, headers={"If-None-Match": etag}).status_code == 304
        assert client.get(f"{URL}?zz=1").json["given"] == "" and Shelf.built == 3
