"""What a hook's implementation says of its types, compared with the spec when it is registered."""

from collections.abc import Callable, Iterable
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

_spec_hints = cache(get_type_hints)


def contradictions(implementation: Callable[..., Any], spec: Callable[..., Any]) -> list[str]:
    """A sentence for each annotation that the spec plainly rules out; what cannot be compared passes.

    `list[Product]` is an `Iterable[Model]`; no annotation, `Any` and names known to type checkers only
    say nothing.
    """
    if getattr(implementation, "__annotations__", {}) in ({}, spec.__annotations__):
        return []  # nearly all; resolving costs a hundred times as much
    try:
        hints = get_type_hints(implementation)
    except (NameError, AttributeError, TypeError):
        return []
    return [
        f"{'its result' if name == 'return' else name} is annotated {_shown(hints[name])}, "
        f"which contradicts the spec's {_shown(wanted)}"
        for name, wanted in _spec_hints(spec).items()
        if name in hints and not _fits(hints[name], wanted)
    ]


def _fits(given: Any, wanted: Any) -> bool:
    if Any in (given, wanted):
        return True
    if _is_union(given) or _is_union(wanted):
        return any(_fits(mine, theirs) for mine in _options(given) for theirs in _options(wanted))
    mine, theirs = get_origin(given) or given, get_origin(wanted) or wanted
    if not (isinstance(mine, type) and isinstance(theirs, type)):
        return True
    if getattr(theirs, "_is_protocol", False):
        return mine.__module__ != "builtins" or mine is object
    if not issubclass(mine, theirs) and not issubclass(theirs, mine):
        return False
    if theirs is Iterable:
        return all(_fits(item, get_args(wanted)[0]) for item in _items(given, mine))
    return all(map(_fits, get_args(given), get_args(wanted)))


def _is_union(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType)


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if _is_union(hint) else (hint,)


def _items(given: Any, origin: type) -> tuple[Any, ...]:
    if issubclass(origin, str | bytes):
        return (origin,)
    arguments = tuple(part for part in get_args(given) if part is not ...)
    return arguments if issubclass(origin, tuple) else arguments[:1]


def _shown(hint: Any) -> str:
    return "None" if hint is NoneType else hint.__name__ if type(hint) is type else str(hint)
