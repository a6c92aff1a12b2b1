"""`nexus check races`."""

import json
from typing import Any

import click

from nexus_kernel import current_nexus
from nexus_orders.races.scenarios import SCENARIOS

_NAMES = [scenario.name for scenario in SCENARIOS]


def _body(context: click.Context, option: click.Parameter, text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}") from None
    if not isinstance(body, dict):
        raise click.BadParameter("must be a JSON object")
    return body


@click.command()
@click.option(
    "--buyers", default=50, show_default=True, type=click.IntRange(2, 95), help="How many come at once."
)
@click.option("--rounds", default=10, show_default=True, type=click.IntRange(1), help="Of each race.")
@click.option("--only", multiple=True, type=click.Choice(_NAMES), help="Run this race; may be repeated.")
@click.option(
    "--within",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Milliseconds after which an answer is too late for a buyer who is refused.",
)
@click.option(
    "--body",
    default="{}",
    callback=_body,
    help="JSON that is added to the body of each order, such as the `extensions` that the checkout asks for.",
)
@click.option("--yes-on-production", is_flag=True, help="Race in a shop in which people buy.")
def races(
    buyers: int,
    rounds: int,
    only: tuple[str, ...],
    within: int,
    body: dict[str, Any],
    yes_on_production: bool,
) -> None:
    """Let many buyers race for few pieces on this deployment, and say whether all came out right.

    It brings its own products, which the shop shows meanwhile, and its own people, whom no account stands
    for. Afterwards orders are cancelled, people forgotten and products retired; the cancelled orders stay in
    the books. Exit code 1 when an order was lost, made twice or mixed, or a buyer was shown an error.
    """
    if current_nexus().config.in_production and not yes_on_production:
        raise click.ClickException(
            "This is a shop in production: products to race for would be shown to its customers. "
            "Pass --yes-on-production if that is what you want."
        )
    from nexus_orders.races.run import Race, run

    chosen = [scenario for scenario in SCENARIOS if not only or scenario.name in only]
    if not run(Race(chosen, buyers, rounds, within, body)):
        raise SystemExit(1)
