"""Logs: one line a request, readable by machines, and one trace from a request through all that it causes."""

import io
import json
import logging
from dataclasses import dataclass
from typing import ClassVar

import pytest

from nexus_kernel import Blueprint, Manifest, Subscription, hookimpl, on_commit, publish, task, transaction
from nexus_kernel.context import current_trace_id, set_trace_id
from nexus_kernel.contracts.events import Event
from nexus_kernel.outbox import deliver_due

log = logging.getLogger("nexus.drum")
blp = Blueprint("drum", __name__, url_prefix="/api/drum")


@dataclass(frozen=True, kw_only=True)
class Beaten(Event):
    name: ClassVar[str] = "drum.beaten"


@dataclass(frozen=True, kw_only=True)
class Echoed(Event):
    name: ClassVar[str] = "drum.echoed"


@task("drum.tune")
def tune() -> None:
    log.warning("tuned")


def echo(event, delivery) -> None:
    log.warning("heard it")
    publish(Echoed())
    tune.enqueue()


@blp.post("/")
@blp.public
@blp.response(204)
def beat():
    with transaction():
        publish(Beaten())


@blp.post("/bug/")
@blp.public
@blp.response(204)
def burst():
    raise RuntimeError("the skin is broken")


class Drum:
    MANIFEST = Manifest(name="drum", summary="Beats", url_prefixes=("/api/drum/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]

    @hookimpl
    def nexus_tasks(self):
        return [tune]

    @hookimpl
    def nexus_subscriptions(self):
        return [
            Subscription(Beaten, echo, "drum.echo"),
            Subscription(Echoed, lambda event, delivery: log.warning("heard the echo"), "drum.listen"),
        ]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Drum()]


@pytest.fixture(params=["json", "text"])
def style(request):
    return request.param


@pytest.fixture
def nexus_config(style):
    return {"kernel": {"log_format": style, "log_level": "INFO"}}


@pytest.fixture
def lines(app):
    """What the deployment's own handler writes, a line an entry."""
    (handler,) = logging.getLogger("nexus").handlers
    stream = handler.setStream(io.StringIO())
    yield lambda: handler.stream.getvalue().splitlines()
    handler.setStream(stream)


PATHS = [
    "/healthz",
    "/caf\u00e9/\u1270\u1235\u134b/",
    "/a%0Ab/",
    "/a%00%1b[31m%E2%80%A8/",
    "/%ff%fe/",
    '/"quoted"\\/',
    "/api/drum/",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_request_is_one_line_of_valid_json_with_its_id_status_and_duration(client, lines, style, path):
    response = client.get(path, headers={"X-Request-ID": "abc-1"})
    (line,) = lines()
    if style == "text":
        assert "GET /" in line and f" {response.status_code} [abc-1]" in line and line.isprintable()
        return
    entry = json.loads(line)
    assert (entry["method"], entry["status"], entry["request_id"]) == ("GET", response.status_code, "abc-1")
    assert entry["path"].startswith("/") and entry["path"].isprintable() and entry["duration_ms"] >= 0
    assert entry["levelname"] == "INFO" and entry["name"] == "nexus.request"


def test_a_letter_of_any_script_stays_readable_in_the_path(client, lines, style):
    client.get("/\u1270\u1235\u134b/")
    if style == "json":
        assert json.loads(lines()[0])["path"] == "/\u1270\u1235\u134b/"
    else:
        assert "/\u1270\u1235\u134b/ 404" in lines()[0]


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_a_bug_logs_its_traceback_and_the_request_under_one_id(client, lines):
    assert client.post("/api/drum/bug/", headers={"X-Request-ID": "abc-2"}).status_code == 500
    bug, request = map(json.loads, lines())
    assert bug["request_id"] == request["request_id"] == "abc-2"
    assert "the skin is broken" in bug["exc_info"] and request["status"] == 500


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_what_a_request_causes_is_logged_with_its_id(app, client, lines):
    assert client.post("/api/drum/", headers={"X-Request-ID": "abc-3"}).status_code == 204
    assert client.post("/api/drum/", headers={"X-Request-ID": "abc-4"}).status_code == 204
    with app.app_context():
        deliver_due()
        assert current_trace_id() is None, "the next piece of work must not pass for this request's"
    entries = [json.loads(line) for line in lines()]
    heard = [(e["message"], e["request_id"]) for e in entries if e["name"] == "nexus.drum"]
    assert sorted(heard) == [
        ("heard it", "abc-3"), ("heard it", "abc-4"), ("heard the echo", "abc-3"), ("heard the echo", "abc-4")
    ]  # fmt: skip


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_a_handler_that_fails_is_logged_with_the_id_too(app, client, lines, monkeypatch):
    monkeypatch.setattr("nexus_kernel.outbox.relay.decode", lambda *args: 1 / 0)
    client.post("/api/drum/", headers={"X-Request-ID": "abc-5"})
    with app.app_context():
        deliver_due()
    (failure,) = [json.loads(line) for line in lines() if "ZeroDivisionError" in line]
    assert failure["request_id"] == "abc-5" and "drum.echo failed" in failure["message"]


@pytest.mark.parametrize("style", ["json"], indirect=True)
def test_a_worker_logs_a_task_with_the_id_of_the_request_that_caused_it(app, nexus_engines, lines):
    from nexus_kernel.tasks import Dispatcher

    nexus = app.extensions["nexus"]
    sent = []
    nexus.celery.send_task = lambda name, **options: sent.append((name, options))
    dispatcher = Dispatcher(lambda: nexus.celery)
    with app.app_context(), transaction():
        set_trace_id("abc-6")
        on_commit(lambda: dispatcher.send("drum.tune"))
    set_trace_id(None)
    dispatcher.flush()
    ((name, options),) = sent
    nexus.celery.tasks[name].apply(args=options["args"], headers=options["headers"])
    nexus.celery.tasks[name].apply()
    assert [json.loads(line)["request_id"] for line in lines()] == ["abc-6", "-"]
