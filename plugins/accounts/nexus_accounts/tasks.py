"""Background work."""

from datetime import timedelta

from nexus_accounts.config import AccountsConfig
from nexus_accounts.services.audit import PRUNED_AT_ONCE, AuditRecord, record_failed_sign_in
from nexus_accounts.services.sessions import Families
from nexus_kernel import Periodic, reading, settings, task, transaction


@task("accounts.prune_refresh_families")
def prune_refresh_families() -> None:
    """Forget sign-ins whose refresh tokens have expired."""
    with reading() as session:
        Families(session).prune()


@task("accounts.prune_audit")
def prune_audit() -> None:
    """Forget entries of the audit record that are past the retention, some at a time."""
    retention = timedelta(days=settings(AccountsConfig).audit_retention_days)
    pruned = PRUNED_AT_ONCE
    while pruned == PRUNED_AT_ONCE:
        with transaction() as session:
            pruned = AuditRecord(session).prune(retention)


TASKS = (record_failed_sign_in, Periodic(prune_refresh_families, 3600.0), Periodic(prune_audit, 86_400.0))
