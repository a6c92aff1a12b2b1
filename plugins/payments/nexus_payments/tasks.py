"""Background work. Each task can be lost with its message: the sweeps find its row again."""

from datetime import timedelta
from uuid import UUID

from nexus_kernel import Periodic, now, settings, task
from nexus_payments.config import PaymentsConfig
from nexus_payments.services import checks, inbox, refund_work


@task("payments.process_event")
def process_event(event_id: str) -> None:
    """Ask the gateway about what a stored webhook names."""
    inbox.process_event(UUID(event_id))


@task("payments.check")
def check(payment_id: str) -> None:
    """Ask the gateway about one attempt."""
    checks.check(UUID(payment_id))


@task("payments.refund")
def refund(refund_id: str) -> None:
    """Send a refund to its gateway, or ask what became of it."""
    refund_work.run(UUID(refund_id))


@task("payments.sweep_events")
def sweep_events() -> None:
    """Process the webhooks whose message was lost, and those to be tried again."""
    inbox.process_due()


@task("payments.sweep_checks")
def sweep_checks() -> None:
    """Ask about every attempt that is due."""
    checks.check_due()


@task("payments.sweep_refunds")
def sweep_refunds() -> None:
    """Send and ask about every refund that is due."""
    refund_work.run_due()


@task("payments.prune")
def prune() -> None:
    """Forget the bodies of old webhooks."""
    inbox.prune(now() - timedelta(days=settings(PaymentsConfig).raw_retention_days))


TASKS = (
    process_event,
    check,
    refund,
    Periodic(sweep_events, 2.0),
    Periodic(sweep_checks, 5.0),
    Periodic(sweep_refunds, 5.0),
    Periodic(prune, 3600.0),
)
