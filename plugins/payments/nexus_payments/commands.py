"""`nexus payments ...`"""

import sys

import click

from nexus_kernel import current_nexus
from nexus_payments.services import checks, inbox, refund_work
from nexus_payments.services.gateway import notify_url
from nexus_payments.services.readiness import problems_of


@click.group()
def payments() -> None:
    """Payments: providers, their configuration, and reconciliation."""


@payments.command()
def providers() -> None:
    """List the installed providers."""
    for code, provider in sorted(current_nexus().payment_providers.items()):
        info = provider.info
        currencies = "any" if info.currencies is None else ", ".join(sorted(info.currencies))
        mode = "test" if provider.test_mode else "live"
        capabilities = ", ".join(sorted(info.capabilities))
        click.echo(f"{code}  {info.display_name}  {mode}  currencies: {currencies}  can: {capabilities}")


@payments.command()
@click.option("--provider", help="Only this one.")
def check(provider: str | None) -> None:
    """Show what is wrong with the configuration, and the webhook address to set at each gateway."""
    known = current_nexus().payment_providers
    if provider is not None and provider not in known:
        raise click.ClickException(
            f"{provider} is not installed; installed are: {', '.join(known) or 'none'}"
        )
    faults = 0
    for code in [provider] if provider else sorted(known):
        click.echo(f"{code}: webhook address {notify_url(code)}")
        for problem in problems_of(known[code]):
            faults += 1
            click.echo(f"{code}: {problem.setting} {problem.message}")
    click.echo(f"{faults} problem(s)" if faults else "No problem found.")
    sys.exit(1 if faults else 0)


@payments.command()
def reconcile() -> None:
    """Do now what workers do on their schedule: process stored webhooks, and ask about what is due."""
    processed = inbox.process_due()
    asked = checks.check_due()
    refunds = refund_work.run_due()
    click.echo(f"{processed} webhook(s) processed, {asked} payment(s) and {refunds} refund(s) asked about.")
