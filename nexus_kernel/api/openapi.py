"""The OpenAPI 3.1 document: flask-smorest's, with names by the naming law and RFC 9457 errors."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from threading import Lock
from typing import Any

import flask_smorest
import marshmallow as ma
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from nexus_kernel.api.blueprint import Blueprint
from nexus_kernel.api.components import open_what_is_only_answered
from nexus_kernel.api.headers import init_headers
from nexus_kernel.api.schema import Schema
from nexus_kernel.authenticators import Authenticator
from nexus_kernel.errors import StartupError

KERNEL = "nexus"
"""The owner of what belongs to no plugin."""


class FieldErrorSchema(Schema):
    """A fault in one field."""

    path = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    message = ma.fields.String(required=True)


class ProblemSchema(ma.Schema):
    """An error, RFC 9457."""

    type = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    errors = ma.fields.List(ma.fields.Nested(FieldErrorSchema), required=True)
    request_id = ma.fields.String(required=True, allow_none=True)


def camel(name: str) -> str:
    """`payments_chapa` -> `PaymentsChapa`."""
    return "".join(part.capitalize() for part in name.split("_"))


def component_name(owner: str, schema: type[ma.Schema]) -> str:
    """`CatalogProduct` for catalog's `ProductSchema` or `CatalogProductSchema`."""
    base, prefix = schema.__name__.removesuffix("Schema"), camel(owner)
    own = base.startswith(prefix) and not base[len(prefix) : len(prefix) + 1].islower()
    return base if own else prefix + base


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's Api whose error answers belong to `nexus_kernel.problems`."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = "Problem"

    def __init__(self, app: Flask, owners_of: Callable[[str], Sequence[str]]) -> None:
        self._adding = KERNEL
        self._undescribed: list[Blueprint] = []
        self._describing = Lock()
        self._codes: dict[str, tuple[str, ...]] = {}
        self._alternatives: Callable[[str], list[dict[str, list[str]]]] = lambda operation_id: []

        def resolve(schema: Any) -> str:
            kind = schema if isinstance(schema, type) else type(schema)
            owners = owners_of(kind.__module__) or [KERNEL]
            return component_name(self._adding if self._adding in owners else owners[0], kind)

        plugin = MarshmallowPlugin(schema_name_resolver=resolve)
        super().__init__(app, spec_kwargs={"marshmallow_plugin": plugin})
        init_headers(app)
        self.spec.components.security_scheme(
            "bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        )

    def _register_error_handlers(self) -> None:
        """The kernel renders every error itself."""

    def _register_pagination_header(self) -> None:
        """Pages carry their links in the body."""

    def _register_responses(self) -> None:
        for name in ("Problem", *(status.name for status in HTTPStatus if status >= 400)):
            answer = {
                "description": "An error: RFC 9457 problem details.",
                "content": {"application/problem+json": {"schema": ProblemSchema}},
            }
            self.spec.components.response(name, answer, lazy=True)

    def add(self, blueprint: Blueprint) -> None:
        """Register a blueprint's routes; they are described when the document is first asked for."""
        self._app.register_blueprint(blueprint)
        self._undescribed.append(blueprint)
        for endpoint, access in blueprint.access.items():
            self._codes[f"{blueprint.name}_{endpoint}"] = access.codes if access else ()

    def describe_authenticators(
        self, authenticators: Sequence[Authenticator], delegable: Callable[[str], bool]
    ) -> None:
        """Offer these schemes beside the bearer token, where every permission is `delegable`."""
        offered: list[dict[str, list[str]]] = []
        for authenticator in authenticators:
            name = authenticator.scheme[0].lower() + authenticator.scheme[1:]
            description = f"{authenticator.scheme} <credentials>. {authenticator.description}"
            in_header = {"type": "apiKey", "in": "header", "name": "Authorization"}
            self.spec.components.security_scheme(name, {**in_header, "description": description})
            offered.append({name: []})

        def alternatives(operation_id: str) -> list[dict[str, list[str]]]:
            codes = self._codes.get(operation_id, ())
            return offered if codes and all(map(delegable, codes)) else []

        self._alternatives = alternatives

    def document(self) -> dict[str, Any]:
        """The document with sorted paths and components, whatever the order of loading.

        Schemas are described in the application's context: a field may depend on what was contributed to it.
        Raises StartupError when two schemas claim one component.
        """
        with self._app.app_context(), self._describing:
            while self._undescribed:
                self._describe(self._undescribed[0])
                del self._undescribed[0]
        document: dict[str, Any] = self.spec.to_dict()
        document["paths"] = dict(sorted(document.get("paths", {}).items()))
        document["tags"] = sorted(document.get("tags", []), key=lambda tag: str(tag["name"]))
        components: Mapping[str, Any] = document.get("components", {})
        document["components"] = {kind: dict(sorted(components[kind].items())) for kind in sorted(components)}
        document["security"] = [{"bearer": []}]
        for operation in (o for methods in document["paths"].values() for o in methods.values()):
            if isinstance(operation, dict) and operation.get("security"):
                own = [way for way in operation["security"] if way in ({}, {"bearer": []})]
                operation["security"] = [*own, *self._alternatives(operation["operationId"])]
        open_what_is_only_answered(document)
        return document

    def _describe(self, blueprint: Blueprint) -> None:
        self._adding = blueprint.name
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            try:
                blueprint.register_views_in_doc(
                    self, self._app, self.spec, name=blueprint.name, parameters=None
                )
            except UserWarning as error:
                raise StartupError(
                    f"{blueprint.name}: {error}. A schema used with `only`, `exclude` or `partial` "
                    "needs a class of its own"
                ) from None
        self.spec.tag({"name": blueprint.name, "description": blueprint.description})
