"""Runs races against a deployment and says what came of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import click
from flask import Flask
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from nexus_kernel import create_app, current_nexus, reading
from nexus_orders.races.answers import Round
from nexus_orders.races.scenarios import Scenario
from nexus_orders.races.shop import Refused, Shop

_SPARE = 4
"""Connections beside those of the buyers."""
_SHOWN = 5
"""Violations of a race that are printed."""
_ROOM = text(
    """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
    """
)


@dataclass(frozen=True)
class Race:
    """What to run. `within` are the milliseconds in which who is refused must know."""

    scenarios: Sequence[Scenario]
    buyers: int
    rounds: int
    within: int
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """What the rounds of one race came to."""

    rounds: int = 0
    orders: int = 0
    refused: int = 0
    errors: int = 0
    slowest_ms: float = 0.0
    violations: list[str] = field(default_factory=list)

    def add(self, found: Round, within: int) -> None:
        """Count a round, and check that nobody waited too long for a refusal."""
        self.rounds += 1
        self.orders += len(found.orders)
        self.refused += len(found.refused)
        self.errors += len(found.errors)
        answers = (*found.orders, *found.refused, *found.errors)
        self.slowest_ms = max((self.slowest_ms, *(answer.ms for answer in answers)))
        late = [answer for answer in found.refused if answer.ms > within]
        self.violations += [f"round {self.rounds}: {violation}" for violation in found.violations]
        self.violations += [f"round {self.rounds}: refused too late: {answer}" for answer in late]


def run(race: Race) -> bool:
    """Run every scenario, print the table, clean up; True when nothing was wrong.

    Raises ClickException where the deployment cannot be raced in.
    """
    with _application(race.buyers) as app:
        shop = Shop(app, race.body)
        outcomes: dict[str, Outcome] = {}
        try:
            for scenario in race.scenarios:
                outcomes[scenario.name] = _play(scenario, shop, race)
        except Refused as refused:
            raise click.ClickException(
                f"This shop does not take an ordinary order, so there is no race; --body may add what it "
                f"asks for. {refused}"
            ) from None
        finally:
            for fault in shop.clean_up():
                click.echo(f"Left behind: {fault}", err=True)
    _print(outcomes)
    return not any(outcome.violations for outcome in outcomes.values())


def _play(scenario: Scenario, shop: Shop, race: Race) -> Outcome:
    outcome = Outcome()
    play = scenario.prepare(shop, race.buyers)
    for _ in range(race.rounds):
        outcome.add(play(), race.within)
    return outcome


@contextmanager
def _application(buyers: int) -> Iterator[Flask]:
    """The application of this deployment, with a connection a buyer.

    One process plays the many of a deployment, so that buyers meet at the rows and not at the pool.
    """
    configured, needed = current_nexus().config.database_pool_size, buyers + _SPARE
    with reading() as session:
        room = int(session.execute(_ROOM).scalar_one())
    if room < needed:
        raise click.ClickException(
            f"PostgreSQL has room for {max(room, 0)} more connections, and {buyers} buyers need {needed}; "
            "pass fewer --buyers or raise max_connections."
        )
    if configured < needed:
        click.echo(f"The pool of {configured} connections is one of {needed} for this run.")
    app = create_app({"kernel": {"database_pool_size": max(configured, needed), "log_level": "WARNING"}})
    try:
        yield app
    finally:
        app.extensions["nexus"].dispatcher.flush(10.0)
        app.extensions["nexus"].db.close()


def _print(outcomes: Mapping[str, Outcome]) -> None:
    table = Table("race", "rounds", "orders", "refused", "errors", "longest answer", "verdict")
    for name, outcome in outcomes.items():
        verdict = "[red]broken" if outcome.violations else "[green]sound"
        counts = (outcome.rounds, outcome.orders, outcome.refused, outcome.errors)
        table.add_row(name, *map(str, counts), f"{outcome.slowest_ms:,.0f} ms", verdict)
    Console().print(table)
    for name, outcome in outcomes.items():
        for violation in outcome.violations[:_SHOWN]:
            click.echo(f"{name}: {violation}")
        if len(outcome.violations) > _SHOWN:
            click.echo(f"{name}: and {len(outcome.violations) - _SHOWN} more")
