"""Every hook is documented, reachable through the facade, and used by something that ships."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from nexus_kernel import hookspecs
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


@pytest.mark.parametrize("name", SPECS)
def test_a_hook_is_implemented_by_something_that_ships(implemented, name):
    assert name in implemented
