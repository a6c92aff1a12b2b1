"""The README's example runs as printed, and its picture of the plugins is true."""

import re
import types
from pathlib import Path

import pytest
from flask import Flask

from nexus_kernel import create_app, new_id
from nexus_kernel.testing import StandInCatalog
from nexus_kernel.testing.fixtures import Engines, make_app

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture(scope="session")
def nexus_plugins():
    return []


def example() -> types.ModuleType:
    (source,) = re.findall(r"```python\n(.*?)```", README, re.S)
    module = types.ModuleType("nexus_left")
    exec(compile(source, "README.md", "exec"), module.__dict__)
    return module


def test_the_example_plugin_answers(nexus_engines: Engines, database_url: str):
    catalog = StandInCatalog()
    variant = catalog.add(available=7)
    client = make_app(nexus_engines, database_url, [catalog, example()]).test_client()
    assert client.get(f"/api/left/{variant.product_id}/").json == {"left": 7}
    assert client.get(f"/api/left/{new_id()}/").json["detail"] == "There is no such product."


def test_the_example_is_in_the_openapi_document():
    app = create_app({"kernel": {"environment": "test"}}, plugins=[StandInCatalog(), example()])
    paths = app.extensions["nexus"].api.document()["paths"]
    assert paths["/api/left/{product_id}/"]["get"]["operationId"] == "left_pieces_left"


def test_the_picture_shows_exactly_the_needs_and_wants_of_the_plugins(shop: Flask):
    (picture,) = re.findall(r"```mermaid\n(.*?)```", README, re.S)
    drawn: dict[str, set[str]] = {}
    for line in picture.splitlines()[1:]:
        left, arrow, right = re.split(r"\s+(-->|-\.->|== \w+ ==>|-\. \".*\" \.->)\s+", line.strip())
        if '"' not in arrow and "==" not in arrow:
            for name in left.split(" & "):
                drawn.setdefault(name, set()).update(right.split(" & "))
    edges = shop.extensions["nexus"].edges
    assert {name: needs for name, needs in edges.items() if needs} == drawn


def test_its_first_screen_shows_both_commands():
    first_screen = "\n".join(README.splitlines()[:40])
    assert "./dev up" in first_screen and "./dev test" in first_screen
