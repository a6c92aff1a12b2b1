"""Which components of the document are closed: those that a request carries, and no others."""

from collections.abc import Iterator
from typing import Any

_PREFIX = "#/components/schemas/"


def open_what_is_only_answered(document: dict[str, Any]) -> None:
    """Let answers have members that the document does not name.

    A request with an unknown field is refused, so its schema is closed. An answer may gain members without
    breaking a client (RFC 9457, section 3.2, demands it of problem details); a generated client that refused
    a new field would make every addition a breaking change.
    """
    schemas = document.get("components", {}).get("schemas", {})
    carried = _reachable(schemas, _requested(document))
    for name, schema in schemas.items():
        if name not in carried and schema.get("additionalProperties") is False:
            del schema["additionalProperties"]


def _requested(document: dict[str, Any]) -> Iterator[str]:
    for methods in document.get("paths", {}).values():
        for operation in methods.values():
            if isinstance(operation, dict):
                yield from _references(operation.get("requestBody"))


def _reachable(schemas: dict[str, Any], names: Iterator[str]) -> set[str]:
    found: set[str] = set()
    frontier = set(names)
    while frontier:
        found |= frontier
        frontier = {name for known in frontier for name in _references(schemas.get(known))} - found
    return found


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            yield reference.removeprefix(_PREFIX)
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
