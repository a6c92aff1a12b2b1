"""`nexus outbox`: what is under way, what is dead, and another try for it."""

from uuid import UUID

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select, update

from nexus_kernel.cli.main import FLUSH_SECONDS, Shop, pass_shop
from nexus_kernel.outbox import RELAY, Delivery, OutboxEvent
from nexus_kernel.runtime import current_nexus, reading, transaction


@click.group()
def outbox() -> None:
    """Look after events that wait, and those that nobody could handle."""


@outbox.command()
@pass_shop
def status(shop: Shop) -> None:
    """Count the deliveries of each subscription."""
    waiting = func.count().filter(Delivery.done_at.is_(None), Delivery.dead_at.is_(None))
    with shop.app.app_context(), reading() as session:
        rows = session.execute(
            select(
                Delivery.subscription,
                func.count().filter(Delivery.done_at.is_not(None)),
                waiting,
                func.count().filter(Delivery.dead_at.is_not(None)),
                func.min(Delivery.available_at).filter(
                    Delivery.done_at.is_(None), Delivery.dead_at.is_(None)
                ),
            )
            .group_by(Delivery.subscription)
            .order_by(Delivery.subscription)
        ).all()
    table = Table("subscription", "done", "waiting", "dead", "next due")
    for name, done, open_, dead, due in rows:
        table.add_row(
            name, str(done), str(open_), str(dead), due.isoformat(timespec="seconds") if due else "-"
        )
    Console().print(table)


@outbox.command()
@click.option("--limit", default=50, show_default=True)
@pass_shop
def dead(shop: Shop, limit: int) -> None:
    """List the dead deliveries with their last error."""
    with shop.app.app_context(), reading() as session:
        rows = session.execute(
            select(Delivery.id, Delivery.subscription, OutboxEvent.name, Delivery.dead_at, Delivery.error)
            .join(OutboxEvent, OutboxEvent.id == Delivery.event_id)
            .where(Delivery.dead_at.is_not(None))
            .order_by(Delivery.dead_at)
            .limit(limit)
        ).all()
    for delivery_id, subscription, event, dead_at, error in rows:
        click.echo(f"{delivery_id}  {dead_at:%Y-%m-%d %H:%M}  {event} -> {subscription}: {error}")
    click.echo(
        f"{len(rows)} dead; mend the cause, then `nexus outbox retry ID` or `--all`."
        if rows
        else "None is dead."
    )


@outbox.command()
@click.argument("delivery_ids", nargs=-1, type=click.UUID)
@click.option("--all", "everything", is_flag=True, help="Every dead delivery.")
@pass_shop
def retry(shop: Shop, delivery_ids: tuple[UUID, ...], everything: bool) -> None:
    """Give dead deliveries a new set of attempts."""
    if not delivery_ids and not everything:
        raise click.UsageError("name deliveries (see `nexus outbox dead`), or pass --all")
    chosen = [Delivery.dead_at.is_not(None)]
    if not everything:
        chosen.append(Delivery.id.in_(delivery_ids))
    with shop.app.app_context():
        with transaction() as session:
            revived = session.scalars(
                update(Delivery)
                .where(*chosen)
                .values(dead_at=None, attempts=0, available_at=func.clock_timestamp())
                .returning(Delivery.id)
            ).all()
        current_nexus().dispatcher.send(RELAY)
        current_nexus().dispatcher.flush(FLUSH_SECONDS)
    click.echo(f"{len(revived)} will be tried again.")
