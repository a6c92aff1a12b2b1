"""Bodies of `multipart/form-data` (RFC 7578): the files and the text fields of one form, by one schema."""

from typing import Any

import marshmallow as ma
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.wrappers import Request

MULTIPART = "multipart/form-data"
MOST_PARTS = 20
LONGEST_TEXTS = 256 * 1024
"""Bytes of all text fields together; the files are bounded by the route. werkzeug reads 64 KiB at a time and
holds each part's read against it too, so that it must not be much smaller."""
LONGEST_NAME = 255


class File(ma.fields.Field[bytes]):
    """A file of a form; loads its content. Its name and declared type are never believed or used."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "binary"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bytes:
        if not isinstance(value, FileStorage):
            raise ma.ValidationError("Must be a file of a multipart/form-data body.")
        if len(value.filename or "") > LONGEST_NAME:
            raise ma.ValidationError(f"The name of the file is longer than {LONGEST_NAME} characters.")
        content: bytes = value.read()
        if not content:
            raise ma.ValidationError("The file is empty.")
        return content


def allow_upload(request: Request, limit: int) -> None:
    """Let the body of this request have `limit` bytes; what passes it is answered with 413."""
    request.max_content_length = limit
    request.max_form_parts = MOST_PARTS
    request.max_form_memory_size = LONGEST_TEXTS


def read_form(request: Request) -> dict[str, Any]:
    """The parts of the form by name.

    Raises UnsupportedMediaType for another type of body, ValidationError for a name that comes twice.
    """
    if request.mimetype != MULTIPART:
        raise UnsupportedMediaType(f"The body must be a form with files: send Content-Type: {MULTIPART}.")
    parts: dict[str, Any] = {}
    for source in (request.form, request.files):
        for name, values in source.lists():
            if len(values) > 1 or name in parts:
                raise ma.ValidationError({name: ["Send this field once."]})
            parts[name] = values[0]
    return parts
