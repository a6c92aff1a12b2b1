"""Every answer of the HTTP layer: problem details on failure, and nothing that a client did is a 500."""

import json

import marshmallow as ma
import pytest

from nexus_kernel import Amount, Blueprint, Conflict, Manifest, QuerySchema, Schema, Text, hookimpl, reading

blp = Blueprint("box", __name__, url_prefix="/api/box")


class LidSchema(Schema):
    colour = Text(20, required=True, minimum=1)


class BoxSchema(Schema):
    size = ma.fields.Integer(required=True, strict=True)
    price = Amount()
    lids = ma.fields.List(ma.fields.Nested(LidSchema))


class ChangeSchema(Schema):
    size = ma.fields.Integer()
    note = ma.fields.String()


class BoxQuery(QuerySchema):
    limit = ma.fields.Integer(load_default=1, validate=ma.validate.Range(1, 9))


class Full(Conflict):
    code = "box.full"


@blp.post("/")
@blp.public
@blp.arguments(BoxSchema)
@blp.response(201, BoxSchema)
def make(args):
    return args | {"price": None, "lids": []}


@blp.patch("/<int:number>/")
@blp.public
@blp.arguments(ChangeSchema)
@blp.response(200)
def change(args, number):
    return {"number": number, **args}


@blp.get("/")
@blp.public
@blp.arguments(BoxQuery, location="query")
@blp.response(200)
def find(args):
    return args


@blp.get("/bug/")
@blp.public
@blp.response(200)
def bug():
    raise RuntimeError("the secret recipe")


@blp.get("/full/")
@blp.public
@blp.response(200)
def full():
    raise Full("There is no room.", headers={"Retry-After": "3"}, capacity=4)


@blp.get("/stored/")
@blp.public
@blp.arguments(ChangeSchema, location="query")
@blp.response(200)
def stored(args):
    from sqlalchemy import text

    with reading() as session:
        return {"note": session.execute(text("SELECT CAST(:note AS text)"), args).scalar()}


class Box:
    MANIFEST = Manifest(name="box", summary="Boxes", url_prefixes=("/api/box/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Box()]


@pytest.fixture
def box(start):
    return start(Box(), kernel={"max_body_bytes": 1024}).test_client()


def problem(response, status: int, code: str) -> dict:
    assert (response.status_code, response.content_type) == (status, "application/problem+json"), (
        response.text
    )
    body = response.json
    assert body["status"] == status and body["code"] == code, body
    assert body["title"] and body["detail"] and body["request_id"] == response.headers["X-Request-ID"]
    return body


def post(box, body: bytes | str, content_type: str = "application/json"):
    return box.post("/api/box/", data=body, content_type=content_type)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"size": NaN}',
        b'{"size": Infinity}',
        b"\xff\xfe",
        b'{"size": "\\ud800"}',
        b"[" * 900,
        b"{'size': 1}",
    ],
)
def test_a_body_that_is_no_json_is_400(box, body):
    problem(post(box, body), 400, "kernel.malformed_json")


def test_json_nested_without_end_is_400_and_not_a_crash(start):
    client = start(Box()).test_client()
    problem(post(client, b"[" * 200_000), 400, "kernel.malformed_json")


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"5", b"true", b"null", b"[]"])
def test_a_body_that_is_no_object_is_422(box, body):
    assert problem(post(box, body), 422, "kernel.invalid")["errors"]


def test_an_empty_body_is_422_where_a_field_is_required(box):
    (error,) = problem(post(box, b""), 422, "kernel.invalid")["errors"]
    assert (error["path"], error["code"]) == ("size", "required")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"]
)
def test_a_body_that_is_not_json_is_415_even_where_no_field_is_required(box, content_type):
    problem(post(box, b"size=1", content_type), 415, "kernel.unsupported_media_type")
    reply = box.patch("/api/box/1/", data=b"size=1", content_type=content_type)
    problem(reply, 415, "kernel.unsupported_media_type")


@pytest.mark.parametrize("size", ["9" * 30, "9" * 900, "1e400", "-1e999", '"1"', "1.5", "true", "null"])
def test_numbers_that_are_no_integers_are_4xx(box, size):
    assert post(box, f'{{"size": {size}}}').status_code in (400, 422)


def test_validation_names_each_field_by_its_path(box):
    body = {
        "size": "x",
        "price": "1,5",
        "lids": [{"colour": "red"}, {"colour": "", "depth": 1}, 5],
        "weight": 1,
    }
    errors = {
        e["path"]: e["code"]
        for e in problem(box.post("/api/box/", json=body), 422, "kernel.invalid")["errors"]
    }
    assert errors == {
        "size": "invalid",
        "price": "invalid",
        "weight": "unknown",
        "lids[1].colour": "invalid",
        "lids[1].depth": "unknown",
        "lids[2]": "invalid",
    }


def test_a_query_is_validated_and_unknown_parameters_are_ignored(box):
    assert box.get("/api/box/?limit=3&utm_source=mail").json == {"limit": 3}
    (error,) = problem(box.get("/api/box/?limit=99"), 422, "kernel.invalid")["errors"]
    assert error["path"] == "limit"


def test_a_body_above_the_limit_is_413(box):
    problem(post(box, b'{"size": "' + b"x" * 2000 + b'"}'), 413, "kernel.content_too_large")


def test_an_unknown_address_is_404(box):
    problem(box.get("/api/nowhere/"), 404, "kernel.not_found")
    problem(box.get("/"), 404, "kernel.not_found")


def test_another_method_is_405_and_says_which_are_allowed(box):
    response = box.delete("/api/box/")
    problem(response, 405, "kernel.method_not_allowed")
    assert set(response.headers["Allow"].replace(" ", "").split(",")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_an_error_of_a_plugin_keeps_its_code_its_headers_and_its_extensions(box):
    response = box.get("/api/box/full/")
    body = problem(response, 409, "box.full")
    assert (
        body["capacity"] == 4
        and body["detail"] == "There is no room."
        and response.headers["Retry-After"] == "3"
    )


def test_a_bug_is_a_500_that_tells_nothing_and_is_logged_with_the_request(box, nexus_log):
    response = box.get("/api/box/bug/", headers={"X-Request-ID": "trace-me"})
    problem(response, 500, "kernel.internal_error")
    assert "recipe" not in response.text and "Traceback" not in response.text
    (entry,) = [record for record in nexus_log if record.exc_info]
    assert "recipe" in str(entry.exc_info[1]) and entry.request_id == "trace-me"


def test_a_request_id_is_echoed(box):
    assert box.get("/healthz", headers={"X-Request-ID": "abc-1.2_3"}).headers["X-Request-ID"] == "abc-1.2_3"


@pytest.mark.parametrize("bad", ["a b", "x" * 101, "<script>", "é", "a;b", ""])
def test_a_bad_request_id_is_replaced(box, bad):
    given = box.get("/healthz", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
    assert given != bad and len(given) == 36


def test_head_and_options_work(box):
    head = box.head("/api/box/")
    assert head.status_code == 200 and head.data == b"" and int(head.headers["Content-Length"]) > 0
    options = box.options("/api/box/")
    assert options.status_code == 200 and "POST" in options.headers["Allow"]


def test_a_missing_slash_is_a_redirect_without_a_page_to_the_same_host(box):
    response = box.patch("/api/box/1?x=1", headers={"Host": "evil.example"}, json={"size": 1})
    assert (response.status_code, response.headers["Location"], response.data) == (
        308,
        "/api/box/1/?x=1",
        b"",
    )
    assert "text/html" not in response.headers.get("Content-Type", "")


@pytest.mark.parametrize("path", ["//evil.example/api/box", "/\\evil.example", "//evil.example"])
def test_no_path_redirects_to_another_host(box, path):
    location = box.get(path).headers.get("Location", "/")
    assert location.startswith("/") and location[1:2] not in ("/", "\\")


def test_nothing_that_goes_wrong_is_html(box):
    for path in (
        "/api/nowhere/",
        "/api/box/bug/",
        "/api/box/full/",
        "/api/box?limit=99",
        "/%00",
        "/api/box/x/",
    ):
        assert "<" not in box.get(path).text


@pytest.mark.parametrize("note", ["a%00b", "%ED%A0%80", "%FF"])
def test_text_that_postgresql_cannot_store_is_no_500(client, note):
    response = client.get(f"/api/box/stored/?note={note}")
    assert response.status_code in (200, 422), response.text
    if response.status_code == 422:
        problem(response, 422, "kernel.invalid")


def test_the_bodies_of_success_are_json(box):
    response = box.post(
        "/api/box/", data=json.dumps({"size": 2}), content_type="application/json; charset=utf-8"
    )
    assert response.status_code == 201 and response.json["size"] == 2


@pytest.mark.parametrize("path", ["/api/box/", "/api/box/bug/", "/api/nowhere/", "/livez"])
def test_no_answer_lets_a_browser_guess_its_type(box, path):
    assert box.get(path).headers["X-Content-Type-Options"] == "nosniff"


def test_an_answer_to_a_known_person_is_never_stored_and_a_public_one_may_be(box):
    known = box.get("/api/box/", headers={"Authorization": "Bearer x"})
    assert known.headers["Cache-Control"] == "no-store"
    assert box.get("/api/auth/nowhere/").headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in box.get("/api/box/").headers
    schema = box.get("/api/schema/", headers={"Authorization": "Bearer x"})
    assert schema.headers["ETag"]
    assert schema.headers.get("Cache-Control") != "no-store"
