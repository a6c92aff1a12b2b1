"""`Blueprint`: flask-smorest's, with access declared on every route, names by law, and problem+json.

    blp = Blueprint("catalog", __name__, url_prefix="/api/catalog")

    @blp.get("/products/<uuid:product_id>/")
    @blp.public
    @blp.response(200, ProductSchema)
    def get_product(product_id): ...

The function's name gives the operationId: `catalog_get_product`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import flask
import flask_smorest
import marshmallow as ma
import orjson
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from nexus_kernel.api.cached import cached_view, loaded_for
from nexus_kernel.api.conditional import conditional_response
from nexus_kernel.api.idempotency import run_once
from nexus_kernel.api.uploads import MULTIPART, allow_upload, read_form
from nexus_kernel.auth import check_access, current_actor

V = TypeVar("V", bound=Callable[..., Any])

_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}]
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 200},
    "description": "Sent again with the same body, the first reply comes back and nothing happens twice.",
}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route: everybody (`public`), or people with these permissions.

    Every one of them is needed; with `any_of` one is enough. A public route with permissions is for guests
    and for those who have them.
    """

    public: bool
    codes: tuple[str, ...] = ()
    any_of: bool = False


class JSONParser(FlaskParser):
    """Validation answers 422, and unknown fields are left to the schema."""

    DEFAULT_VALIDATION_STATUS = 422
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}  # noqa: RUF012

    __location_map__ = FlaskParser.__location_map__ | {"multipart": "load_multipart"}

    def parse(self, argmap: Any, req: Any = None, *, location: str | None = None, **options: Any) -> Any:
        """The values by this schema; those that a kept route has loaded already are not loaded again."""
        loaded = loaded_for(argmap) if location == "query" else None
        return super().parse(argmap, req, location=location, **options) if loaded is None else loaded

    def load_querystring(self, req: Any, schema: Any) -> Any:
        """The parameters that were sent, and no others: to look for one that was not costs an exception."""
        if not req.args:
            return {}
        sent = self._makeproxy(req.args, schema)
        return {name: sent[name] for name in req.args}

    def load_multipart(self, req: Any, schema: Any) -> Any:
        """The parts of a form; the view's route has set its limit."""
        return read_form(req)

    def load_json(self, req: Any, schema: Any) -> Any:
        """The body. Raises 415 for one of another type: it must not pass for an empty one."""
        if req.content_length and not req.is_json:
            raise UnsupportedMediaType("The body must be JSON: send Content-Type: application/json.")
        try:
            return orjson.loads(body) if (body := req.get_data()) else ma.missing
        except orjson.JSONDecodeError as error:
            return self._handle_invalid_json_error(error, req)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A plugin's routes. Its name is the plugin's name, which is also the tag in the OpenAPI document."""

    ARGUMENTS_PARSER = JSONParser()

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self.access: dict[str, Access | None] = {}

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[[V], V]:
        """As flask-smorest's, with one schema for all requests: to make it costs more than to use it."""
        made = schema() if isinstance(schema, type) else schema
        decorate: Callable[[V], V] = super().arguments(made, location=location, **options)
        return decorate

    @staticmethod
    def public(view: V) -> V:
        """Anybody may call the route, whatever their Authorization header says.

        A view that cares who it is calls `current_actor()`, which raises Unauthorized for a bad token.
        """
        view.__dict__["_nexus_access"] = Access(public=True)
        return view

    @staticmethod
    def requires(*codes: str, guests: bool = False) -> Callable[[V], V]:
        """Only people with all of these permissions may call the route.

        With `guests` nobody in particular may call it too: a request without an Authorization header. The
        view finds `current_actor().is_anonymous` then; one with a bad token is refused as elsewhere.
        """

        def mark(view: V) -> V:
            view.__dict__["_nexus_access"] = Access(public=guests, codes=codes)
            return view

        return mark

    @classmethod
    def multipart(
        cls, schema: type[ma.Schema], *, limit: Callable[[], int], json: type[ma.Schema] | None = None
    ) -> Callable[[V], V]:
        """Give the view the fields of a `multipart/form-data` body, files (`File`) and texts, by this schema.

        `limit` says how many bytes the body may have, in place of the deployment's `max_body_bytes`. With
        `json` the route takes JSON by that schema too, within the usual limit.

            @blp.multipart(PictureSchema, limit=lambda: settings(CatalogConfig).max_image_bytes)
        """
        bodies = {MULTIPART: schema} | ({"application/json": json} if json else {})

        def mark(view: V) -> V:
            @wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                if json is not None and flask.request.mimetype != MULTIPART:
                    given = cls.ARGUMENTS_PARSER.parse(json, flask.request, location="json")
                else:
                    allow_upload(flask.request, limit())
                    given = cls.ARGUMENTS_PARSER.parse(schema, flask.request, location="multipart")
                return view(given, *args, **kwargs)

            content = {kind: {"schema": body} for kind, body in bodies.items()}
            _document(
                wrapper,
                requestBody={"required": True, "content": content},
                responses={"422": "UNPROCESSABLE_ENTITY"},
            )
            return wrapper  # type: ignore[return-value]

        return mark

    @staticmethod
    def requires_any(code: str, *others: str) -> Callable[[V], V]:
        """Only people with at least one of these permissions may call the route.

        The view then asks `current_actor().can(code)` how far the person's reach goes.
        """

        def mark(view: V) -> V:
            view.__dict__["_nexus_access"] = Access(public=False, codes=(code, *others), any_of=True)
            return view

        return mark

    @staticmethod
    def idempotent(atomic: bool = True) -> Callable[[V], V]:
        """Honour `Idempotency-Key`: the effect once, the same reply every time.

        The view opens its own `transaction()`, for a key is optional. With `atomic` and a key it joins the
        one in which the reply is stored, so that there is neither effect nor reply without the other. A view
        that calls a gateway between two transactions passes False, and must find its own earlier work when
        it runs again.
        """

        def mark(view: V) -> V:
            @wraps(view)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return run_once(lambda: view(*args, **kwargs), atomic=atomic)

            _document(wrapper, parameters=[_IDEMPOTENCY_KEY])
            return wrapper  # type: ignore[return-value]

        return mark

    @staticmethod
    def conditional(view: V) -> V:
        """Give the reply a strong ETag of its content, and answer 304 to a matching `If-None-Match`."""

        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return conditional_response(flask.make_response(view(*args, **kwargs)))

        return wrapper  # type: ignore[return-value]

    @classmethod
    def cached(cls, *, tags: Sequence[str], seconds: float = 10) -> Callable[[V], V]:
        """Keep the finished answers of a GET view that are the same for everybody.

        They carry `tags` and those of `depends_on()`; `current_cache().invalidate(tag)` ends them with the
        commit, and they live for at most `seconds`, which bounds what a process that is killed between
        its commit and the invalidation leaves behind. The reply has a strong ETag an encoding, and 304
        answers a matching `If-None-Match`. Only parameters of the view's query schema exist for it. Stands
        above `arguments`.
        """
        return lambda view: cached_view(view, cls.ARGUMENTS_PARSER, tags, seconds)  # type: ignore[return-value]

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Any = None,
        provide_automatic_options: bool | None = None,
        *,
        aliases: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        """Register a route; `aliases` are further rules of the same view, left out of the document."""
        access: Access | None = getattr(view_func, "_nexus_access", None)
        name = endpoint or view_func.__name__
        view = _guarded(view_func, access)
        manual: dict[str, Any] = {"operationId": f"{self.name}_{name}"}
        if access is not None:
            manual["security"] = _security(access)
        _document(view, **manual)
        super().add_url_rule(rule, name, view, provide_automatic_options, **options)
        self.access[name] = access
        for number, alias in enumerate(aliases, 1):
            alias_name = f"{name}_alias{number}"
            methods = options.get("methods")
            flask.Blueprint.add_url_rule(self, alias, alias_name, view, methods=methods)
            self.access[alias_name] = access


def _guarded(view: Callable[..., Any], access: Access | None) -> Callable[..., Any]:
    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if access is None or not access.public:
            check_access(access.codes if access else (), any_of=access is not None and access.any_of)
        elif access.codes and not current_actor().is_anonymous:
            check_access(access.codes)
        return view(*args, **kwargs)

    return guarded


def _security(access: Access) -> list[dict[str, list[str]]]:
    """What OpenAPI calls it; an empty requirement first says that the token is optional."""
    if access.public:
        return [{}, *_SECURITY] if access.codes else []
    return _SECURITY


def _document(view: Callable[..., Any], **manual: Any) -> None:
    apidoc = dict(view.__dict__.get("_apidoc", {}))
    apidoc["manual_doc"] = {**apidoc.get("manual_doc", {}), **manual}
    view.__dict__["_apidoc"] = apidoc
