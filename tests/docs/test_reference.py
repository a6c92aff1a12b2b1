"""The generated reference is what the code says now."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("build_reference", DOCS / "build_reference.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build()


def test_no_page_is_out_of_date(pages: dict[str, str]):
    stale = [n for n, text in pages.items() if (DOCS / "reference" / n).read_text("utf-8") != text]
    assert stale == [], "run `python docs/build_reference.py`"


def test_no_page_is_left_over(pages: dict[str, str]):
    assert {path.name for path in (DOCS / "reference").iterdir()} == set(pages)


def test_every_hook_is_on_its_page(pages: dict[str, str]):
    from nexus_kernel import hookspecs

    for name in vars(hookspecs):
        if name.startswith("nexus_"):
            assert f"`{name}(" in pages["hooks.md"]
