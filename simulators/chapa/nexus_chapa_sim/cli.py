"""The command line; every option can also be given as ``CHAPA_SIM_<OPTION>`` in the environment."""

import logging
import signal
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import click

from nexus_chapa_sim import settings as s
from nexus_chapa_sim.core.journal import JournalError
from nexus_chapa_sim.core.money import parse_amount
from nexus_chapa_sim.simulator import Simulator
from nexus_chapa_sim.web.app import create_app
from nexus_chapa_sim.web.server import AddressInUse, NotLoopback, Server


@click.command(context_settings={"auto_envvar_prefix": "CHAPA_SIM", "show_default": True})
@click.option("--host", default="127.0.0.1", help="Loopback address to listen on.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option(
    "--secret-key", multiple=True, default=[s.DEFAULT_SECRET_KEY], help="Accepted API key; repeatable."
)
@click.option("--webhook-secret", default="", help="Signs webhooks; the API key does when it is empty.")
@click.option("--webhook-url", default="", help="Where webhooks go; none are sent when it is empty.")
@click.option("--merchant-name", default="Simulated Merchant", help="Shown on the checkout page.")
@click.option("--seed", type=int, help="Makes tokens and references repeatable.")
@click.option(
    "--time-scale", default=1.0, help="Divides the waits between webhooks; 60 makes a minute a second."
)
@click.option("--retry-schedule", default="quick", help="'quick', 'documented' or seconds such as 5,30,600.")
@click.option("--delivery-timeout", default=10.0, help="Seconds that the merchant's server has to answer.")
@click.option("--state-file", type=click.Path(dir_okay=False, path_type=Path), help="Survives a restart.")
@click.option("--fee-percent", default="3.5", help="The gateway's fee.")
@click.option("--deadline-minutes", default=60, help="How long a checkout link lives, 5 to 60.")
@click.option("--max-attempts", default=10, help="How often a customer may try.")
@click.option("--callback/--no-callback", default=True, help="Whether callback_url is called.")
@click.option("--return-style", default="none", type=click.Choice(get_args(s.ReturnStyle)))
@click.option(
    "--redirect-delay", default=2, help="Seconds before the page returns to the shop; 0 is at once."
)
@click.option("--signature-headers", default="both", type=click.Choice(get_args(s.SignatureHeaders)))
@click.option("--webhook-body", default="php", type=click.Choice(get_args(s.BodyStyle)))
@click.option("--amount-format", default="number", type=click.Choice(get_args(s.AmountFormat)))
@click.option("--accept-form/--json-only", default=True, help="Whether initialize accepts form bodies.")
@click.option("--verify-accepts-reference/--verify-tx-ref-only", default=False)
@click.option(
    "--refunds-live-only/--refunds-in-test",
    "refund_live_only",
    default=True,
    help="Whether refunds with a test key are refused, as Chapa does.",
)
@click.option("--partial-refunds/--whole-refunds-only", default=True, help="Whether a part can be refunded.")
@click.option("--refund-processing-after", default=3600.0, help="Seconds until a refund is processed.")
@click.option("--refund-completed-after", default=86_400.0, help="Seconds until a refund is paid out.")
@click.option("--refund-signals", default="both", type=click.Choice(get_args(s.RefundSignals)))
@click.option("--refund-events", default="charge", type=click.Choice(get_args(s.RefundEvents)))
@click.option("--refund-verify-accepts-reference/--refund-verify-ref-id-only", default=False)
@click.option("--account-status", default="active", type=click.Choice(get_args(s.AccountStatus)))
@click.option("--subaccount", multiple=True, help="ID:percentage:0.03 or ID:flat:25; repeatable.")
def main(host: str, port: int, state_file: Path | None, **options: Any) -> None:
    """Run a stand-in for the Chapa payment gateway on this machine until it is interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        simulator = Simulator(_settings(options), state_file=state_file)
        server = Server(create_app(simulator), host, port)
    except (s.SettingsError, JournalError, NotLoopback, AddressInUse) as error:
        raise click.ClickException(str(error)) from error
    _serve(simulator, server)


def _settings(options: dict[str, Any]) -> s.Settings:
    fee = parse_amount(options.pop("fee_percent"))
    return s.Settings(
        secret_keys=tuple(options.pop("secret_key")),
        subaccounts=tuple(s.parse_subaccount(text) for text in options.pop("subaccount")),
        retry_delays=s.parse_schedule(options.pop("retry_schedule")),
        fee_percent=Decimal(-1) if fee is None else fee,
        **options,
    )


def _serve(simulator: Simulator, server: Server) -> None:
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    server.start()
    simulator.start()
    click.echo(f"Chapa simulator listens on {server.url}")
    stop.wait()
    server.stop()
    simulator.close()
