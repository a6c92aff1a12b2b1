"""`nexus notifications ...`: look after the mails."""

from uuid import UUID

import click

from nexus_kernel import reading, transaction
from nexus_notifications.models import MailState
from nexus_notifications.services import Mails
from nexus_notifications.tasks import send_mail


@click.group()
def notifications() -> None:
    """Mails: see what became of them, and send dead ones again."""


@notifications.command()
@click.option("--state", type=click.Choice([state.value for state in MailState]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
def mails(state: str | None, limit: int) -> None:
    """List the newest mails."""
    with reading() as session:
        found = Mails(session).recent(MailState(state) if state else None, limit)
    for mail in found:
        error = f"  {mail.last_error}" if mail.last_error else ""
        when = (mail.sent_at or mail.created_at).isoformat(timespec="seconds")
        click.echo(
            f"{mail.id}  {mail.state:6} {mail.attempts:2}  {when}  {mail.template}  {mail.recipient}{error}"
        )
    if not found:
        click.echo("No mails.")


@notifications.command()
@click.argument("mail_id", type=click.UUID, required=False)
@click.option("--all-dead", is_flag=True, help="Every dead mail.")
def retry(mail_id: UUID | None, all_dead: bool) -> None:
    """Queue MAIL_ID, or all dead mails, with all of their attempts left."""
    if (mail_id is None) != all_dead:
        raise click.UsageError("Name one mail or say --all-dead.")
    with transaction() as session:
        queued = Mails(session).retry(mail_id)
        for queued_id in queued:
            send_mail.enqueue(str(queued_id))
    if mail_id is not None and not queued:
        raise click.ClickException(f"There is no failed or dead mail {mail_id}.")
    click.echo(f"{len(queued)} queued.")
