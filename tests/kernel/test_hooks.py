"""Every hook is documented, reachable through the facade, and used by something that ships."""

import ast
import inspect
import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask

from nexus_kernel import Model, Periodic, Task, hookspecs
from nexus_kernel.annotations import contradictions
from nexus_kernel.hooks import Hooks

ROOT = Path(__file__).parents[2]
SPECS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("nexus_")}


def decorated(path: Path) -> set[str]:
    """The hooks that a file implements."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any("hookimpl" in ast.unparse(d) for d in node.decorator_list)
    }


@pytest.fixture(scope="module")
def implemented() -> set[str]:
    shipped = [*ROOT.glob("plugins/*/nexus_*/plugin.py"), *ROOT.glob("examples/**/*.py")]
    return set().union(*(decorated(path) for path in shipped))


def test_there_are_hooks():
    assert len(SPECS) >= 17 and all(hasattr(spec, "nexus_spec") for spec in SPECS.values())


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_says_who_calls_it_what_to_return_an_example_and_since_when(name):
    text = inspect.getdoc(SPECS[name])
    assert text and text.startswith("Called ") and text.splitlines()[0].endswith(".")
    assert re.search(r"^Example: `.+`", text, re.MULTILINE) and re.search(
        r"^versionadded: \d+\.\d+$", text, re.MULTILINE
    )
    assert inspect.signature(SPECS[name]).return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_exposed_by_the_facade(name):
    assert callable(getattr(Hooks, name.removeprefix("nexus_"), None))


class Tea(Model):
    __abstract__ = True


def annotated(hook: str, result: object = None, **parameters: object):
    """An implementation with these annotations; one without for what is not given."""

    def implementation(*args: object) -> None: ...

    implementation.__annotations__ = {**parameters, **({} if result is None else {"return": result})}
    return contradictions(implementation, SPECS[hook])


LENIENT = [
    ("nexus_models", list[type[Tea]]),
    ("nexus_models", Iterable[type[Model]]),
    ("nexus_models", tuple[type[Tea], type[Model]]),
    ("nexus_models", tuple[type[Tea], ...]),
    ("nexus_models", Sequence[type[Any]] | None),
    ("nexus_models", Generator[type[Tea], str, int]),
    ("nexus_models", list),
    ("nexus_models", list[type]),
    ("nexus_models", Any),
    ("nexus_models", object),
    ("nexus_models", "Iterable[NameForTypeCheckersOnly]"),
    ("nexus_tasks", list[Periodic]),
    ("nexus_tasks", tuple[Task | Periodic, ...]),
    ("nexus_commands", list[click.Group]),
    ("nexus_services", dict[type, Any]),
    ("nexus_services", Mapping[type[Tea], Callable[[Any], Tea]]),
    ("nexus_payables", list[Tea]),
    ("nexus_init_app", type(None)),
]
PLAIN = [
    ("nexus_models", list[Task]),
    ("nexus_models", list[type[Task]]),
    ("nexus_models", tuple[type[Tea], Task]),
    ("nexus_models", Mapping[str, type[Tea]]),
    ("nexus_models", str),
    ("nexus_models", type(None)),
    ("nexus_models", Task),
    ("nexus_tasks", Iterable[str]),
    ("nexus_services", list[type]),
    ("nexus_services", dict[str, Any]),
    ("nexus_payables", list[str]),
    ("nexus_init_app", Flask),
]


@pytest.mark.parametrize(("hook", "result"), LENIENT, ids=str)
def test_an_annotation_that_fits_says_less_or_cannot_be_resolved_passes(hook, result):
    assert annotated(hook, result) == []


@pytest.mark.parametrize(("hook", "result"), PLAIN, ids=str)
def test_an_annotation_that_contradicts_the_spec_is_told(hook, result):
    (sentence,) = annotated(hook, result)
    wanted = {"nexus_services": "Mapping", "nexus_init_app": "None"}.get(hook, "Iterable")
    assert re.fullmatch(rf"its result is annotated .+, which contradicts the spec's .*{wanted}.*", sentence)


def test_parameters_are_compared_too():
    assert annotated("nexus_init_app", app=Flask) == annotated("nexus_payment_providers", config=Task) == []
    (sentence,) = annotated("nexus_init_app", app=str)
    assert "app is annotated str" in sentence and "Flask" in sentence


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_implemented_by_something_that_ships(implemented, name):
    assert name in implemented
