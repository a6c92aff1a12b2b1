"""`@blp.cached`: an answer that is the same for everybody, kept as finished bytes.

What is kept is found by the route and the normalised parameters that its schema knows: defaults are
folded, the order does not matter, and unknown ones do not exist, neither for the key nor for the view.
Parameters that do not hold are refused before anything is looked up; answers other than 200 are not kept.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from datetime import date
from decimal import Decimal
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

import flask
import marshmallow as ma
from flask import Response, current_app, request
from webargs.core import Parser
from werkzeug.datastructures import ImmutableMultiDict

from nexus_kernel.api.conditional import check_if_match
from nexus_kernel.cache import Cache, Entry
from nexus_kernel.cache.entry import Headers

KEPT_UNDER = "nexus.answer"
"""In the WSGI environ: the key of the answer that was given."""
_KEPT_HEADERS = frozenset({"content-type", "content-length"})
_tags: ContextVar[dict[str, None] | None] = ContextVar("nexus_answer_tags", default=None)
_loaded: ContextVar[Mapping[ma.Schema, Any] | None] = ContextVar("nexus_answer_loaded", default=None)


class _NotKept(Exception):
    """Carries an answer that is not to be kept past the cache."""

    def __init__(self, response: Response) -> None:
        self.response = response


class _Finished(Response):
    """Its body is bytes and its headers are whole: werkzeug has nothing to add to them."""

    def get_wsgi_response(self, environ: dict[str, Any]) -> tuple[Iterable[bytes], str, Headers]:
        body = self.response if environ["REQUEST_METHOD"] != "HEAD" else ()
        return cast(Iterable[bytes], body), self.status, self.headers.to_wsgi_list()


def depends_on(*tags: str) -> None:
    """Note tags that the answer under way carries besides those of its route; elsewhere nothing happens.

    For what is only known once the rows are read: `depends_on(f"catalog:variant:{variant_id}")`.
    """
    known = _tags.get()
    if known is not None:
        known.update(dict.fromkeys(tags))


def loaded_for(schema: Any) -> Any:
    """What the route under way has loaded by this schema to find its answer; None for another one."""
    loaded = _loaded.get()
    return loaded.get(schema) if loaded and isinstance(schema, ma.Schema) else None


class CachedView:
    """A view whose answers are kept."""

    def __init__(
        self, view: Callable[..., Any], parser: Parser[Any], tags: Sequence[str], seconds: float
    ) -> None:
        self._view, self._parser, self._tags, self._seconds = view, parser, tuple(tags), seconds
        documented = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())
        self._schemas = [parameter["schema"] for parameter in documented if parameter["in"] == "query"]

    def __call__(self, **path: Any) -> Response:
        cache: Cache = current_app.extensions["nexus"].cache
        loaded = self._load()
        parameters = sorted(pair for schema, values in loaded.items() for pair in normalised(schema, values))
        key = _key(path, parameters)
        try:
            entry = cache.fetch(
                key,
                lambda: self._build(path, parameters, loaded, pack=cache.is_on),
                tags=self._tags,
                seconds=self._seconds,
                now="Authorization" in request.headers,
            )
        except _NotKept as passed:
            return passed.response
        check_if_match(entry.etag, "The content is another one.")
        request.environ[KEPT_UNDER] = key
        status, headers, body = entry.answer(request.environ)
        return _Finished(body, status, headers)

    def _load(self) -> dict[ma.Schema, Any]:
        loaded: dict[ma.Schema, Any] = {}
        for index, schema in enumerate(self._schemas):
            if isinstance(schema, type):
                schema = self._schemas[index] = schema()
            loaded[schema] = self._parser.parse(schema, request, location="query")
        return loaded

    def _build(
        self,
        path: Mapping[str, Any],
        parameters: list[tuple[str, str]],
        loaded: Mapping[ma.Schema, Any],
        *,
        pack: bool,
    ) -> Entry:
        request.__dict__["args"] = ImmutableMultiDict(parameters)
        tags = dict.fromkeys(self._tags)
        tags_token, loaded_token = _tags.set(tags), _loaded.set(loaded)
        try:
            response = flask.make_response(self._view(**path))
        finally:
            _tags.reset(tags_token)
            _loaded.reset(loaded_token)
        others = {name.lower() for name, _ in response.headers} - _KEPT_HEADERS
        if response.status_code != 200 or response.is_streamed or others:
            raise _NotKept(response)
        return Entry.of(response.get_data(), response.content_type, tuple(tags), pack=pack)


def cached_view(
    view: Callable[..., Any], parser: Parser[Any], tags: Sequence[str], seconds: float
) -> Callable[..., Response]:
    """The view, kept."""
    kept = CachedView(view, parser, tags, seconds)

    @wraps(view)
    def wrapper(**path: Any) -> Response:
        return kept(**path)

    return wrapper


def normalised(schema: ma.Schema, loaded: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters as pairs of text: two requests that mean the same have the same ones."""
    pairs: list[tuple[str, str]] = []
    for attribute, field in schema.fields.items():
        target = field.attribute or attribute
        if target not in loaded or loaded[target] == field.load_default:
            continue
        name = field.data_key or attribute
        text = _text(loaded[target])
        pairs += [(name, given) for given in request.args.getlist(name)] if text is None else [(name, text)]
    return pairs


def _text(value: Any) -> str | None:
    """None for values that have no one text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str | int | float | UUID) else None


def _key(path: Mapping[str, Any], parameters: list[tuple[str, str]]) -> str:
    """Begins with the owner's name: `catalog:list_products?page=2`."""
    owner, _, name = (request.endpoint or "").partition(".")
    places = "".join(f"/{value}" for value in path.values())
    return f"{owner}:{name}{places}?{urlencode(parameters)}"
