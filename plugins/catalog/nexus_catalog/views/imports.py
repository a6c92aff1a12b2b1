"""`/api/catalog/imports/` and `/api/catalog/export/`, for staff."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
from flask import Response, request

from nexus_catalog.config import CatalogConfig
from nexus_catalog.errors import ImportNotFound
from nexus_catalog.exporting.formats import CONTENT_TYPES, encoded
from nexus_catalog.exporting.rows import export_columns, exported_rows
from nexus_catalog.importing.chunks import read_chunks
from nexus_catalog.importing.jobs import receive
from nexus_catalog.schemas.imports import ExportQuery, ImportQuery, ImportSchema
from nexus_catalog.services import imports
from nexus_catalog.tasks import run_import
from nexus_catalog.views.answers import json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import PageQuery, download, page_of, reading, settings, transaction
from nexus_kernel.errors import UnsupportedMediaType

_FORMATS = {
    "text/csv": "csv",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_EITHER = {
    "200": {"description": "The file.", "content": dict.fromkeys(("text/csv", "application/x-ndjson"), _FILE)}
}
_BODY = {"required": True, "content": dict.fromkeys(_FORMATS, _FILE)}


@blp.post("/imports/")
@blp.requires("catalog.import")
@blp.doc(requestBody=_BODY)
@blp.arguments(ImportQuery, location="query")
@blp.response(202, ImportSchema)
def create_import(args: dict[str, Any]) -> Response:
    """Send in products to be imported, as CSV or JSON Lines; follow it at the address in `Location`."""
    format = _FORMATS.get(request.mimetype)
    if format is None:
        raise UnsupportedMediaType(f"Send one of {', '.join(_FORMATS)}.")
    request.max_content_length = settings(CatalogConfig).import_max_bytes
    with transaction() as session:
        import_id = receive(session, request.stream, format, args)
        run_import.enqueue(str(import_id))
        body = imports.get_import(session, import_id)
    location = {"Location": f"/api/catalog/imports/{import_id}/"}
    return Response(orjson.dumps(body), 202, location, content_type="application/json")


@blp.get("/imports/")
@blp.requires("catalog.import")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(ImportSchema))
def list_imports(args: dict[str, Any]) -> Response:
    """The imports that were sent in, the newest first."""
    with reading() as session:
        return json_answer(orjson.dumps(imports.import_page(session, args)))


@blp.get("/imports/<uuid:import_id>/")
@blp.requires("catalog.import")
@blp.response(200, ImportSchema)
def get_import(import_id: UUID) -> Response:
    """How far an import is, and what became of its rows."""
    with reading() as session:
        return json_answer(orjson.dumps(imports.get_import(session, import_id)))


@blp.get("/imports/<uuid:import_id>/refused/")
@blp.requires("catalog.import")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
@blp.doc(responses=_EITHER)
def get_refused_rows(import_id: UUID) -> Response:
    """The refused rows of a finished import with their reasons, in its format: mend them and send them in."""
    with reading() as session:
        found = imports.get_import(session, import_id)
    if found["refused_url"] is None:
        raise ImportNotFound("The import has refused nothing, or is not finished.")
    return _file(read_chunks(import_id, "refused"), "refused", found["format"])


@blp.get("/export/")
@blp.requires("catalog.export")
@blp.arguments(ExportQuery, location="query")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="text/csv")
@blp.doc(responses=_EITHER)
def export_products(args: dict[str, Any]) -> Response:
    """All products in the columns that an import reads, as CSV or JSON Lines."""
    retired = args["include_retired"]
    rows = exported_rows(args.get("category"), retired)
    return _file(encoded(rows, args["format"], export_columns(retired)), "products", args["format"])


def _file(pieces: Iterator[bytes], name: str, format: str) -> Response:
    return download(pieces, f"{name}.{format}", CONTENT_TYPES[format])
