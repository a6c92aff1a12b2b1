"""`/media/<key>`: the stored files, for deployments in which no other server hands them out."""

from flask import Blueprint, Flask, Response, request

from nexus_kernel.errors import NotFound
from nexus_kernel.storage import FOREVER, ROUTE, MediaStore, content_type


def register_media(app: Flask, store: MediaStore) -> None:
    """Add the route."""
    blueprint = Blueprint("media", __name__)

    @blueprint.get(f"{ROUTE}/<path:key>")
    def media(key: str) -> Response:
        return _file(store, key)

    app.register_blueprint(blueprint)


def _file(store: MediaStore, key: str) -> Response:
    """The file; a key names one content for ever, so it is its own entity tag."""
    try:
        kind = content_type(key)
    except ValueError:
        raise NotFound("There is no such file.") from None
    body = store.get(key)
    if body is None:
        raise NotFound("There is no such file.")
    response = Response(body, content_type=kind)
    response.headers["Cache-Control"] = FOREVER
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.set_etag(key.rpartition("/")[2])
    response.make_conditional(request)
    return response
