"""Settings from JSON values, as the control API receives them."""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from nexus_chapa_sim.core.money import parse_amount
from nexus_chapa_sim.settings import (
    Settings,
    SettingsError,
    parse_schedule,
    parse_subaccount,
)

FIXED = {"seed"}
SECRET = {"secret_keys", "webhook_secret"}
_DEFAULTS = {field.name: getattr(Settings(), field.name) for field in fields(Settings)}


def read_changes(members: Mapping[str, Any]) -> dict[str, Any]:
    """Values for ``Settings.changed``; raises SettingsError when one has the wrong type."""
    return {name: _read(name, value) for name, value in members.items()}


def public_values(settings: Settings) -> dict[str, Any]:
    """All settings but the secrets, as JSON values."""
    return {name: _written(getattr(settings, name)) for name in _DEFAULTS if name not in SECRET}


def _read(name: str, value: Any) -> Any:
    if name not in _DEFAULTS or name in FIXED:
        raise SettingsError(f"There is no setting named {name!r} that can be changed.")
    if name == "retry_delays":
        return _schedule(value)
    if name == "secret_keys":
        return tuple(_texts(name, value))
    if name == "subaccounts":
        return tuple(parse_subaccount(text) for text in _texts(name, value))
    return _simple(name, value)


def _simple(name: str, value: Any) -> Any:
    default = _DEFAULTS[name]
    if isinstance(default, Decimal):
        number = parse_amount(value)
        if number is not None:
            return number
    elif isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif type(value) is type(default):
        return value
    raise SettingsError(f"The setting {name} has a value like {_written(default)!r}.")


def _schedule(value: Any) -> tuple[float, ...]:
    if isinstance(value, list):
        value = ",".join(str(item) for item in value)
    return parse_schedule(str(value)) if value else ()


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SettingsError(f"The setting {name} is a list of texts.")
    return value


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple):
        return [item if isinstance(item, str | float) else _subaccount(item) for item in value]
    return value


def _subaccount(item: Any) -> str:
    return f"{item.id}:{item.split_type}:{item.split_value}"
