"""A real browser: Chromium, driven by Playwright. Skipped with a sentence where one of them is missing."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="browser tests need `pip install playwright`"
    )
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("the browser tests need Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(params=[True, False], ids=["with-javascript", "without-javascript"])
def page(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of a phone's width; fails when it asks anybody but this machine for anything."""
    context = chromium.new_context(java_script_enabled=request.param, viewport={"width": 390, "height": 800})
    opened = context.new_page()
    strangers: list[str] = []
    opened.on("request", lambda sent: strangers.append(sent.url) if "//127.0.0.1:" not in sent.url else None)
    yield opened
    context.close()
    assert strangers == []
