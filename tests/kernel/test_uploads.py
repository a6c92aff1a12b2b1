"""Forms with files: one schema for files and texts, a limit of the route's own, and clear refusals."""

from io import BytesIO

import marshmallow as ma
import pytest
from flask import Flask
from flask.testing import FlaskClient

from nexus_kernel import Blueprint, File, Manifest, Permission, Schema, Text, hookimpl

LIMIT = 20_000
blp = Blueprint("box", __name__, url_prefix="/api/box")


class PictureSchema(Schema):
    picture = File(required=True)
    label = Text(20, multiline=True)


class NoteSchema(Schema):
    picture = ma.fields.Raw(allow_none=True, validate=ma.validate.OneOf([None]))
    label = Text(20, multiline=True)


@blp.post("/")
@blp.public
@blp.multipart(PictureSchema, limit=lambda: LIMIT)
@blp.response(200)
def send(args):
    return {"bytes": len(args["picture"]), "label": args.get("label")}


@blp.patch("/")
@blp.public
@blp.multipart(PictureSchema, limit=lambda: LIMIT, json=NoteSchema)
@blp.response(200)
def change(args):
    return {"names": sorted(args)}


@blp.post("/large/")
@blp.public
@blp.multipart(PictureSchema, limit=lambda: 10_000_000)
@blp.response(200)
def send_large(args):
    return {"bytes": len(args["picture"])}


@blp.post("/closed/")
@blp.requires("box.write")
@blp.multipart(PictureSchema, limit=lambda: LIMIT)
@blp.response(200)
def closed(args):
    return {}


class Box:
    MANIFEST = Manifest(name="box", summary="Boxes", url_prefixes=("/api/box/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]

    @hookimpl
    def nexus_permissions(self):
        return [Permission("box.write", "Write", roles=("staff",))]


@pytest.fixture
def app(start) -> Flask:
    return start(Box(), kernel={"max_body_bytes": 4096})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def form(client: FlaskClient, method: str = "POST", **fields):
    return client.open("/api/box/", method=method, data=fields, content_type="multipart/form-data")


def file(body: bytes = b"picture", name: str = "a.jpg", kind: str = "image/jpeg"):
    return (BytesIO(body), name, kind)


def refused(reply, status: int, path: str | None = None) -> None:
    assert (reply.status_code, reply.content_type) == (status, "application/problem+json"), reply.text
    if path is not None:
        assert [error["path"] for error in reply.json["errors"]] == [path]


def test_files_and_texts_are_loaded_by_one_schema(client: FlaskClient):
    reply = form(client, picture=file(), label="ቀይ ፋኖስ")
    assert (reply.status_code, reply.json) == (200, {"bytes": 7, "label": "ቀይ ፋኖስ"})


def test_a_file_may_be_larger_than_other_bodies(client: FlaskClient):
    assert form(client, picture=file(b"x" * 15_000)).json["bytes"] == 15_000


def test_a_file_of_megabytes_arrives_whole(client: FlaskClient):
    data = {"label": "x", "picture": file(b"\r\n--x" * 1_000_000)}
    reply = client.post("/api/box/large/", data=data, content_type="multipart/form-data")
    assert (reply.status_code, reply.json) == (200, {"bytes": 5_000_000})


def test_a_body_above_the_limit_of_the_route_is_413(client: FlaskClient):
    refused(form(client, picture=file(b"x" * LIMIT)), 413)


def test_a_text_that_fills_the_memory_is_413(client: FlaskClient):
    data = {"picture": file(), "label": "x" * 300_000}
    refused(client.post("/api/box/large/", data=data, content_type="multipart/form-data"), 413)


def test_a_form_of_many_parts_is_413(client: FlaskClient):
    refused(form(client, picture=file(), **{f"part{number}": "x" for number in range(30)}), 413)


def test_another_type_of_body_is_415(client: FlaskClient):
    refused(client.post("/api/box/", json={"picture": "x"}), 415)
    refused(client.post("/api/box/", data=b"x", content_type="image/jpeg"), 415)
    refused(client.post("/api/box/", data={"label": "x"}), 415)
    refused(client.post("/api/box/"), 415)


def test_a_missing_file_is_named(client: FlaskClient):
    refused(form(client, label="x"), 422, "picture")
    refused(form(client, picture="just text"), 422, "picture")


@pytest.mark.parametrize("name", ["a.jpg", "", "x" * 255 + ".jpg"])
def test_an_empty_file_is_named(client: FlaskClient, name: str):
    refused(form(client, picture=file(b"", name)), 422, "picture")


def test_a_name_of_many_characters_is_refused(client: FlaskClient):
    refused(form(client, picture=file(name="x" * 256)), 422, "picture")


@pytest.mark.parametrize(
    "name", ["ፋኖስ.jpg", "../../etc/passwd", "a\\b", "C:\\x.jpg", "-", "a;b", '"', "%00.jpg", "..", "a b.PNG"]
)
def test_names_of_files_do_not_matter(client: FlaskClient, name: str):
    assert form(client, picture=file(name=name)).status_code == 200


def test_two_files_are_refused(client: FlaskClient):
    refused(form(client, picture=[file(), file()]), 422, "picture")
    refused(form(client, picture=file(), label=file()), 422, "label")
    refused(form(client, picture=file(), label=["a", "b"]), 422, "label")


def test_an_unknown_part_is_refused(client: FlaskClient):
    refused(form(client, picture=file(), other=file()), 422, "other")
    refused(form(client, picture=file(), other="x"), 422, "other")


@pytest.mark.parametrize("label", ["x" * 21, "a\0b"])
def test_texts_are_validated_as_in_json(client: FlaskClient, label: str):
    refused(form(client, picture=file(), label=label), 422, "label")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=picture\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"),
        ("multipart/form-data; boundary=\xe1", b"--\xe1\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"\0" * 500),
    ],
)
def test_a_broken_form_is_refused(client: FlaskClient, kind: str, body: bytes):
    reply = client.post("/api/box/", data=body, content_type=kind)
    assert reply.status_code in (400, 413, 415, 422), reply.text
    refused(reply, reply.status_code)


def test_a_route_may_take_json_as_well(client: FlaskClient):
    assert form(client, "PATCH", picture=file()).json == {"names": ["picture"]}
    assert client.patch("/api/box/", json={"picture": None, "label": "a"}).json == {
        "names": ["label", "picture"]
    }
    refused(client.patch("/api/box/", json={"picture": "x"}), 422, "picture")
    refused(client.patch("/api/box/", data={"label": "x"}), 415)
    refused(client.patch("/api/box/", json={"label": "x" * 5000}), 413)


def test_who_may_not_call_the_route_is_not_read(client: FlaskClient):
    reply = client.post(
        "/api/box/closed/", data={"picture": file(b"x" * LIMIT)}, content_type="multipart/form-data"
    )
    refused(reply, 401)


def test_forms_are_documented_with_their_files(app: Flask):
    document = app.extensions["nexus"].api.document()
    operations = document["paths"]["/api/box/"]
    assert operations["post"]["requestBody"] == {
        "required": True,
        "content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/BoxPicture"}}},
    }
    assert operations["patch"]["requestBody"]["content"].keys() == {"multipart/form-data", "application/json"}
    assert operations["post"]["responses"]["422"] == {"$ref": "#/components/responses/UNPROCESSABLE_ENTITY"}
    schema = document["components"]["schemas"]["BoxPicture"]
    assert schema["properties"]["picture"] == {"type": "string", "format": "binary"}
    assert schema["required"] == ["picture"] and schema["additionalProperties"] is False
