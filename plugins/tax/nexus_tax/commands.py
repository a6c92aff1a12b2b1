"""`nexus tax ...`."""

import json
from decimal import Decimal

import click
from sqlalchemy import select

from nexus_kernel import transaction
from nexus_tax.models import TaxRate
from nexus_tax.services.editing import create_rate, lock_rates

DEMO = {
    "country": "ET",
    "region": "",
    "label": "VAT",
    "rate": Decimal("0.15"),
    "included": True,
    "applies_to_shipping": True,
    "valid_from": None,
    "valid_to": None,
    "is_active": True,
}
"""Value added tax of Ethiopia, which its prices contain."""


@click.group()
def tax() -> None:
    """Rates of tax."""


@tax.command()
def demo() -> None:
    """Let prices contain Ethiopia's VAT in a shop without rates; one that has any is left alone."""
    with transaction() as session:
        lock_rates(session)
        is_empty = session.execute(select(TaxRate.id).limit(1)).first() is None
        if is_empty:
            create_rate(session, DEMO)
    click.echo(json.dumps({"tax": {"created": int(is_empty)}}))
