"""A small HTTP client that waits out a shop which is away for a moment."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

PATIENCE = 90.0
"""Seconds for which a request is tried again while the shop is away."""


class TourFailed(Exception):
    """A step did not hold; the message says what was expected and what came."""


@dataclass(frozen=True)
class Reply:
    """An answer, with its body as text and, where it is JSON, as a value."""

    status: int
    text: str
    url: str

    @property
    def json(self) -> Any:
        """The JSON value. Raises TourFailed when the body is something else."""
        try:
            return json.loads(self.text)
        except ValueError:
            raise TourFailed(f"{self.url} answered {self.status} without JSON: {self.text[:200]}") from None


class Http:
    """Sends requests, with the access token once there is one."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.on_wait: Callable[[str], None] = lambda reason: None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def json(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        expect: int = 200,
    ) -> Any:
        """The JSON answer (None for 204). Raises TourFailed for any other status than the expected one."""
        data = None if body is None else json.dumps(body).encode()
        sent = {"Accept": "application/json", **(headers or {})}
        if data is not None:
            sent["Content-Type"] = "application/json"
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        reply = self.send(method, url, data, sent)
        if reply.status != expect:
            raise TourFailed(
                f"{method} {url} answered {reply.status} instead of {expect}: {reply.text[:500]}"
            )
        return reply.json if reply.text else None

    def send(
        self, method: str, url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request, sent again while nobody listens or the answer is 502 to 504 or a busy 409."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                reply = self._once(method, url, data, headers or {})
                if reply.status not in (502, 503, 504) and "lock_busy" not in reply.text:
                    return reply
                reason = f"{url} answered {reply.status}"
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                reason = f"{url}: {getattr(error, 'reason', error)}"
            if time.monotonic() > deadline:
                raise TourFailed(f"gave up after {PATIENCE:.0f} s: {reason}")
            self.on_wait(reason)
            time.sleep(0.5)

    def _once(self, method: str, url: str, data: bytes | None, headers: Mapping[str, str]) -> Reply:
        request = urllib.request.Request(url, data=data, headers=dict(headers), method=method)
        try:
            with self._opener.open(request, timeout=30) as response:
                return Reply(response.status, response.read().decode(), response.url)
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.read().decode(errors="replace"), url)


class _Form(HTMLParser):
    """Reads the first form: where it goes, what it would send, and its buttons by their text."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.buttons: dict[str, tuple[str, str]] = {}
        self._button: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = values.get("action", "")
        elif tag == "input" and (values.get("type") not in ("radio", "checkbox") or "checked" in values):
            self.fields[values.get("name", "")] = values.get("value", "")
        elif tag == "button":
            self._button = (values.get("name", ""), values.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._button and data.strip():
            self.buttons[data.strip()] = self._button
            self._button = None


def press(http: Http, page_url: str, button: str) -> Reply:
    """Open a page and press a button of its form, as a browser without JavaScript does."""
    form = _Form()
    form.feed(http.send("GET", page_url).text)
    if form.action is None or button not in form.buttons:
        raise TourFailed(f"{page_url} has no form with a button {button!r}")
    name, value = form.buttons[button]
    body = urllib.parse.urlencode({**form.fields, name: value}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return http.send("POST", urllib.parse.urljoin(page_url, form.action), body, headers)
