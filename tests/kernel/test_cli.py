"""The command line: what it shows, and that a fault is a sentence and exit code 1."""

import json
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from nexus_kernel.cli import main
from nexus_kernel.cli.plugins import mermaid
from nexus_kernel.outbox import Delivery
from nexus_kernel.testing.fixtures import SECRET_KEY

BELL = """
from dataclasses import dataclass
MANIFEST = Manifest(name="bell", summary="Rings when asked", url_prefixes=("/api/bell/",))
blp = Blueprint("bell", __name__, url_prefix="/api/bell")

@dataclass(frozen=True, kw_only=True)
class Rang(Event):
    name = "bell.rang"

@blp.get("/")
@blp.requires("bell.hear")
@blp.response(204)
def hear(): ...

@click.group()
def bell(): "Ring."

@bell.command()
def ring():
    with transaction():
        publish(Rang())
    click.echo("rung")

@bell.command()
def peal():
    current_nexus().cache.client.ping()

@hookimpl
def nexus_blueprints(): return [blp]
@hookimpl
def nexus_permissions(): return [Permission("bell.hear", "Hear")]
@hookimpl
def nexus_subscriptions(): return [Subscription(Rang, print, "bell.listen")]
@click.command()
@click.option("--times", default=1)
def loud(times):
    "Prove that it can be heard."
    current_nexus().plugins["bell"]
    click.echo("heard " * times)

@hookimpl
def nexus_commands(): return [bell]
@hookimpl
def nexus_checks(): return [loud]
"""


@pytest.fixture(scope="session")
def nexus_plugins():
    return []


@pytest.fixture
def nexus(monkeypatch, capfd, install, nexus_engines, database_url):
    """Runs `nexus ...` in this process on a database of its own: exit code and everything printed."""
    install("bell", BELL)
    values = {"DATABASE_URL": database_url, "REDIS_URL": nexus_engines.redis_url, "COLUMNS": "200"}
    values |= {"NEXUS_KERNEL__PLUGINS": "bell", "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY}
    values |= {"NEXUS_KERNEL__ENVIRONMENT": "test"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    def nexus(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["nexus", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = "".join(capfd.readouterr())
        assert "Traceback" not in printed, printed
        return int(ended.value.code or 0), printed

    return nexus


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("plugins list", ["bell", "running", "Rings when asked", "shop-bell 1.0"]),
        ("plugins show bell", ["Rings when asked", "/api/bell/", "bell.listen", "bell.hear"]),
        ("plugins graph", ["bell -> (nothing)"]),
        ("plugins graph --format mermaid", ["graph LR\n  bell\n"]),
        ("db status", ["kernel", "kernel_0002"]),
        ("db check", ["Tables and models agree."]),
        ("db upgrade", ["kernel: upgrading", "up to date"]),
        ("db revision kernel -m x", ["no table changed"]),
        ("outbox dead", ["None is dead."]),
        ("config check", ["The configuration is sound: 1 plugins, test."]),
        ("routes", ["/api/bell/", "bell.hear", "/healthz", "everybody"]),
        ("bell ring", ["rung"]),
        ("check", ["nexus check loud", "Prove that it can be heard."]),
        ("check loud --times 2", ["heard heard"]),
        ("check --help", ["loud", "Prove that it can be heard."]),
        ("--help", ["bell", "plugins", "outbox"]),
        ("--version", ["0.1.0"]),
    ],
)
def test_a_command_shows(nexus, command, expected):
    code, printed = nexus(*command.split())
    assert code == 0, printed
    assert all(text in printed for text in expected), printed


def test_the_configuration_is_shown_without_its_secrets(nexus, database_url):
    code, printed = nexus("config", "show")
    assert code == 0 and "NEXUS_KERNEL__SECRET_KEY=********" in printed
    assert SECRET_KEY not in printed and database_url not in printed and "Signs tokens" in printed


def test_the_document_is_printed_or_written(nexus, tmp_path):
    code, printed = nexus("openapi")
    assert code == 0 and "bell_hear" in str(json.loads(printed))
    assert nexus("openapi", "-o", str(tmp_path / "api.json"))[0] == 0
    assert json.loads((tmp_path / "api.json").read_text()) == json.loads(printed)


def test_a_dead_delivery_is_listed_with_its_error_and_retried(app, nexus):
    assert nexus("bell", "ring")[0] == 0
    with app.extensions["nexus"].db.transaction() as session:
        session.execute(update(Delivery).values(dead_at=datetime.now(UTC), error="it is broken"))
    code, printed = nexus("outbox", "dead")
    assert code == 0 and "bell.rang -> bell.listen: it is broken" in printed and "1 dead" in printed
    assert "bell.listen" in nexus("outbox", "status")[1]
    assert nexus("outbox", "retry", printed.split()[0]) == (0, "1 will be tried again.\n")
    assert nexus("outbox", "dead")[1] == "None is dead.\n"
    assert nexus("outbox", "retry", "--all") == (0, "0 will be tried again.\n")


def test_a_downgrade_asks_and_is_refused_while_it_is_needed(nexus):
    code, printed = nexus("db", "downgrade", "kernel", "--yes")
    assert code == 1 and "bell need kernel" in printed and "nexus_outbox: 0 rows" in printed


FAULTS = {
    "an unknown setting": (
        {"NEXUS_BELL__LOUD": "1", "NEXUS_KERNEL__LOG_LEVEL": "x"},
        "config check",
        ["KERNEL__LOG_LEVEL"],
    ),
    "an unknown section": (
        {"NEXUS_BEL__LOUD": "1", "NEXUS_KERNEL__LOG_LEVEL": "x"},
        "config check",
        ["NEXUS_BEL__", "KERNEL__LOG_LEVEL"],
    ),
    "an unknown plugin": ({"NEXUS_KERNEL__PLUGINS": "bel"}, "routes", ["did you mean bell?"]),
    "a plugin that does not run": ({}, "plugins show horn", ["horn does not run"]),
    "a branch that is not there": ({}, "db upgrade --plugin horn", ["horn has no migrations"]),
    "a revision that is not there": ({}, "db downgrade kernel --to x --yes", ["x"]),
    "a database that is away": (
        {"DATABASE_URL": "postgresql://u@127.0.0.1:1/x"},
        "db status",
        ["PostgreSQL does not answer"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_sentence_and_exit_code_1(nexus, monkeypatch, fault):
    environment, command, expected = FAULTS[fault]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code, printed = nexus(*command.split())
    assert code == 1 and all(text in printed for text in expected), printed


NEEDING_POSTGRES = [
    "db upgrade", "db status", "db check", "db downgrade kernel --yes", "db revision kernel -m x",
    "outbox status", "outbox dead", "outbox retry --all", "bell ring",
]  # fmt: skip


@pytest.mark.parametrize("command", NEEDING_POSTGRES)
def test_with_postgres_away_a_command_says_what_to_check(nexus, monkeypatch, command):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:s3cret@127.0.0.1:1/x")
    code, printed = nexus(*command.split())
    assert code == 1 and "PostgreSQL does not answer; check DATABASE_URL" in printed, printed
    assert "s3cret" not in printed and len(printed.strip().splitlines()) == 1, printed


@pytest.mark.parametrize("command", ["outbox status", "outbox dead", "outbox retry --all", "bell ring"])
def test_with_an_empty_database_a_command_says_how_to_fill_it(nexus, nexus_engines, monkeypatch, command):
    monkeypatch.setenv("DATABASE_URL", nexus_engines.create("empty_of_tables"))
    try:
        code, printed = nexus(*command.split())
    finally:
        nexus_engines.drop("empty_of_tables")
    assert (code, printed) == (1, "The database lacks a table; run `nexus db upgrade` first.\n")


def test_with_redis_away_a_command_that_needs_it_says_what_to_check(nexus, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    code, printed = nexus("bell", "peal")
    assert code == 1 and "Redis does not answer; check REDIS_URL" in printed, printed
    assert len(printed.strip().splitlines()) == 1


def test_with_redis_away_a_command_that_only_enqueues_does_its_work(nexus, app, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert nexus("bell", "ring")[0] == 0
    assert "1" in nexus("outbox", "status")[1]


def test_the_drawing_tells_needs_wishes_and_events_apart(start, write_plugin):
    shop = write_plugin("""
        MANIFEST = Manifest(name="shop", summary="", provides=(Shelf := type("Shelf", (), {}),))
        class Opened(Event):
            name = "shop.opened"
        @hookimpl
        def nexus_services(): return {Shelf: lambda session: None}
    """)
    till = write_plugin(f"""
        from {shop.__name__} import Opened, Shelf
        MANIFEST = Manifest(name="till", summary="", needs=(Shelf,))
        @hookimpl
        def nexus_subscriptions(): return [Subscription(Opened, print, "till.count")]
    """)
    lamp = write_plugin(f"""
        from {shop.__name__} import Shelf
        MANIFEST = Manifest(name="lamp", summary="", wants=(Shelf,))
    """)
    assert mermaid(start(shop, till, lamp).extensions["nexus"]).splitlines() == [
        "graph LR", "  shop", "  lamp", "  till", "  lamp -.-> shop", "  till --> shop",
        '  shop -. "shop.opened" .-> till',
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["nonsense", "db", "outbox retry", "db upgrade --nonsense"])
def test_a_wrong_use_is_exit_code_2_with_a_hint(nexus, command):
    code, printed = nexus(*command.split())
    assert code == 2 and ("Usage" in printed or "Error" in printed)


def test_a_plugin_whose_commands_fail_is_named(nexus, install, monkeypatch):
    install(
        "horn",
        "MANIFEST = Manifest(name='horn', summary='')\n"
        "@hookimpl\ndef nexus_commands(): raise ValueError('hoarse')",
    )
    monkeypatch.setenv("NEXUS_KERNEL__PLUGINS", "bell,horn")
    code, printed = nexus("horn", "blow")
    assert code == 1 and "horn" in printed and "hoarse" in printed
    assert nexus("plugins", "graph")[0] == 0, "the kernel's own commands work on"


def test_a_check_that_two_plugins_contribute_is_refused_and_both_are_named(nexus, install, monkeypatch):
    install(
        "horn",
        "MANIFEST = Manifest(name='horn', summary='')\n"
        "@click.command('loud')\ndef check(): ...\n"
        "@hookimpl\ndef nexus_checks(): return [check]",
    )
    monkeypatch.setenv("NEXUS_KERNEL__PLUGINS", "bell,horn")
    for command in ("check", "check loud"):
        code, printed = nexus(*command.split())
        assert code == 1 and "bell and horn both contribute the check 'loud'" in printed


def test_a_plugin_whose_checks_fail_is_named(nexus, install, monkeypatch):
    install(
        "horn",
        "MANIFEST = Manifest(name='horn', summary='')\n"
        "@hookimpl\ndef nexus_checks(): raise ValueError('hoarse')",
    )
    monkeypatch.setenv("NEXUS_KERNEL__PLUGINS", "bell,horn")
    code, printed = nexus("check")
    assert code == 1 and "horn" in printed and "hoarse" in printed


def test_without_checks_the_command_says_so(nexus, install, monkeypatch):
    install("horn", "MANIFEST = Manifest(name='horn', summary='')")
    monkeypatch.setenv("NEXUS_KERNEL__PLUGINS", "horn")
    assert nexus("check") == (0, "No plugin contributes a check.\n")
    assert nexus("check", "loud")[0] == 2


def test_a_plugins_command_is_not_changed_by_being_offered(start, write_plugin):
    """Two applications of one process offer the same click object, each in its own context."""
    import click

    from nexus_kernel.cli.main import in_context

    @click.command()
    def ring() -> None:
        """Ring."""

    before = ring.invoke
    offered = in_context(start(), ring)
    assert offered is not ring and ring.invoke == before
