"""The parts of other plugins in the bodies of a checkout and of an order."""

from collections.abc import Iterable
from typing import Any, Literal
from weakref import WeakKeyDictionary

import marshmallow as ma
from flask import Flask

from nexus_kernel import Schema, current_nexus
from nexus_kernel.contracts.orders import OrderExtension

Part = Literal["request", "answer"]

_made: dict[Part, WeakKeyDictionary[Flask, Schema]] = {
    "request": WeakKeyDictionary(),
    "answer": WeakKeyDictionary(),
}


class Extensions(ma.fields.Nested):
    """An object with a member for each extension that has this part, in the shape that its schema says.

    A plugin's schemas are made on import, and which extensions there are is known when an application has
    started; one process may hold several. So the running application is asked, once each.
    """

    def __init__(self, part: Part, **options: Any) -> None:
        super().__init__(Schema, **options)
        self._part = part

    @property
    def schema(self) -> Schema:
        """The schema of the running application's extensions."""
        nexus, made = current_nexus(), _made[self._part]
        schema = made.get(nexus.app)
        if schema is None:
            schema = made.setdefault(nexus.app, _schema_of(self._part, nexus.order_extensions.values()))
        return schema

    def _serialize(self, value: Any, attr: str | None, obj: Any, **options: Any) -> Any:
        """What an order froze is JSON already, and may be of a plugin that is not installed any more."""
        return value


def _schema_of(part: Part, extensions: Iterable[OrderExtension]) -> Schema:
    parts = {e.name: _field_of(e, part) for e in sorted(extensions, key=lambda e: str(e.name))}
    name = {"request": "RequestedExtensionsSchema", "answer": "ExtensionsSchema"}[part]
    kind = Schema.from_dict({name: field for name, field in parts.items() if field is not None}, name=name)
    kind.__module__ = __name__
    return kind()


def _field_of(extension: OrderExtension, part: Part) -> ma.fields.Nested | None:
    schema = getattr(extension, part, None)
    return None if schema is None else ma.fields.Nested(schema)
