"""Typed configuration: defaults < file < environment < argument, with one report of every fault."""

import dataclasses
import difflib
import math
import os
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from nexus_kernel.errors import StartupError

S = TypeVar("S")

REDACTED = "********"
_ALIASES = {"DATABASE_URL": ("kernel", "database_url"), "REDIS_URL": ("kernel", "redis_url")}


def setting(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    secret: bool = False,
    production: bool = False,
    minimum: int | None = None,
    maximum: int | None = None,
    choices: tuple[str, ...] = (),
    min_length: int = 0,
    check: Callable[[Any], None] | None = None,
) -> Any:
    """A field of a section: a frozen dataclass whose fields are str, int, float, bool or tuple[str, ...].

    `secret` values are redacted wherever the configuration is shown; `production` ones must be set
    before a production deployment starts; `min_length` is checked on text that is not empty; `check` raises
    ValueError with a sentence for a value that is refused.
    """
    metadata = {
        "help": help,
        "secret": secret,
        "production": production,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "min_length": min_length,
        "check": check,
    }
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


class ConfigReport:
    """Collects faults, so that one start shows all of them."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def add(self, name: str, message: str) -> None:
        """Note a fault of the setting that the environment calls `name`."""
        self.faults.append(f"{name}: {message}")

    def raise_if_any(self) -> None:
        """Raises StartupError that lists every fault."""
        if self.faults:
            lines = "\n".join(f"  - {fault}" for fault in self.faults)
            raise StartupError(f"The configuration has {len(self.faults)} fault(s):\n{lines}")


def env_name(section: str, key: str) -> str:
    """`NEXUS_CATALOG__PAGE_SIZE` for ("catalog", "page_size")."""
    return f"NEXUS_{section.upper()}__{key.upper()}"


class ConfigSource:
    """The layered raw values: section -> key -> value, before any schema is known."""

    def __init__(self, values: dict[str, dict[str, Any]], origin: str) -> None:
        self.values = values
        self.origin = origin

    @classmethod
    def load(
        cls, argument: Mapping[str, Mapping[str, Any]] | None = None, environ: Mapping[str, str] | None = None
    ) -> "ConfigSource":
        """Read the file named by `NEXUS_CONFIG` (TOML, a table a section), the environment, the argument."""
        environ = os.environ if environ is None else environ
        path = environ.get("NEXUS_CONFIG")
        layers: list[Mapping[str, Mapping[str, Any]]] = [_read_file(path) if path else {}]
        layers += [_read_environment(environ), argument or {}]
        merged: dict[str, dict[str, Any]] = {}
        for layer in layers:
            for section, pairs in layer.items():
                merged.setdefault(section, {}).update(pairs)
        return cls(merged, path or "the environment")

    def section(self, name: str, schema: type[S], report: ConfigReport) -> S | None:
        """The typed section, or None with the faults noted in the report."""
        before = len(report.faults)
        values = self._read(name, schema, report)
        return schema(**values) if len(report.faults) == before else None

    def sound_part(self, name: str, schema: type[S]) -> S:
        """The section with its defaults in place of what is wrong, for a schema whose fields all have one."""
        return schema(**self._read(name, schema, ConfigReport()))

    def _read(self, name: str, schema: type, report: ConfigReport) -> dict[str, Any]:
        raw = self.values.get(name, {})
        fields = {field.name: field for field in dataclasses.fields(schema)}
        for key in sorted(raw.keys() - fields.keys()):
            close = difflib.get_close_matches(key, fields, 1)
            hint = f"; did you mean {env_name(name, close[0])}?" if close else ""
            report.add(env_name(name, key), f"is not a setting of {name}{hint}")
        hints = typing.get_type_hints(schema)
        values: dict[str, Any] = {}
        for key, field in fields.items():
            try:
                if key in raw:
                    values[key] = _convert(raw[key], hints[key], field.metadata)
                elif field.default is dataclasses.MISSING:
                    raise ValueError(f"is required: {field.metadata['help']}")
            except (ValueError, TypeError) as error:
                report.add(env_name(name, key), str(error))
        return values

    def unknown_sections(self, known: set[str], report: ConfigReport) -> None:
        """Note every section that no installed plugin owns."""
        for name in sorted(self.values.keys() - known):
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            report.add(f"NEXUS_{name.upper()}__*", f"no installed plugin is named {name}{hint}")


def require_for_production(section: str, config: Any, report: ConfigReport) -> None:
    """Note every production setting that is empty."""
    for field in dataclasses.fields(config):
        if field.metadata.get("production") and not getattr(config, field.name):
            report.add(env_name(section, field.name), "must be set in production")


def redacted(config: Any) -> dict[str, Any]:
    """The section's values by key, with its secrets hidden."""
    return {
        field.name: REDACTED if field.metadata.get("secret") and value else value
        for field in dataclasses.fields(config)
        for value in [getattr(config, field.name)]
    }


def _read_file(path: str) -> dict[str, dict[str, Any]]:
    try:
        values = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise StartupError(f"NEXUS_CONFIG names {path}, which cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartupError(f"{path} is not valid TOML: {error}") from None
    stray = [key for key, value in values.items() if not isinstance(value, dict)]
    if stray:
        raise StartupError(f"{path}: {', '.join(stray)} must stand in a [section]")
    return values


def _read_environment(environ: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for name, (section, key) in _ALIASES.items():
        if environ.get(name):
            values.setdefault(section, {})[key] = environ[name]
    for name, value in environ.items():
        section, separator, key = name.removeprefix("NEXUS_").partition("__")
        if name.startswith("NEXUS_") and separator:
            values.setdefault(section.lower(), {})[key.lower()] = value
    return values


def _convert(value: Any, kind: Any, rules: Mapping[str, Any]) -> Any:
    try:
        return _checked(_to_kind(value, kind), rules)
    except ValueError as error:
        if rules.get("secret"):
            raise ValueError(str(error).partition(", not ")[0]) from None
        raise


def _checked(converted: Any, rules: Mapping[str, Any]) -> Any:
    if converted is None:
        return None
    if rules.get("minimum") is not None and converted < rules["minimum"]:
        raise ValueError(f"must be at least {rules['minimum']}, not {converted}")
    if rules.get("maximum") is not None and converted > rules["maximum"]:
        raise ValueError(f"must be at most {rules['maximum']}, not {converted}")
    if rules.get("choices") and converted not in rules["choices"]:
        raise ValueError(f"must be one of {', '.join(rules['choices'])}, not {converted!r}")
    if converted and len(str(converted)) < rules.get("min_length", 0):
        raise ValueError(f"must have at least {rules['min_length']} characters")
    if rules.get("check"):
        rules["check"](converted)
    return converted


def _to_kind(value: Any, kind: Any) -> Any:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        (kind,) = (option for option in typing.get_args(kind) if option is not type(None))
        if value in (None, ""):
            return None
    if kind is bool:
        return _to_bool(value)
    if typing.get_origin(kind) is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            raise ValueError(f"must be a list, or text separated by commas, not {value!r}")
        return tuple(str(part).strip() for part in parts if str(part).strip())
    if kind in (int, float):
        return _to_number(value, kind)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"must be text, not {value!r}")
    return str(value)


def _to_number(value: Any, kind: type[int] | type[float]) -> int | float:
    wanted = "a whole number" if kind is int else "a number"
    allowed = (str, int) if kind is int else (str, int, float)
    try:
        if isinstance(value, bool) or not isinstance(value, allowed) or not math.isfinite(kind(value)):
            raise ValueError
    except ValueError:
        raise ValueError(f"must be {wanted}, not {value!r}") from None
    return kind(value)


def _to_bool(value: Any) -> bool:
    known = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    try:
        return known[str(value).strip().lower()]
    except KeyError:
        raise ValueError(f"must be true or false, not {value!r}") from None
