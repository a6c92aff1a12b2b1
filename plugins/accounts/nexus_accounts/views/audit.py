"""Routes: the audit record."""

from typing import Any

from nexus_accounts.models import AuditEntry
from nexus_accounts.schemas.audit import AuditEntrySchema, AuditQuery
from nexus_accounts.services.audit import AuditRecord
from nexus_accounts.views.blueprint import blp
from nexus_kernel import page_of, paginate, reading


@blp.get("/accounts/audit/")
@blp.requires("accounts.audit.read")
@blp.arguments(AuditQuery, location="query")
@blp.response(200, page_of(AuditEntrySchema))
def list_audit_entries(args: dict[str, Any]) -> dict[str, Any]:
    """What was done to accounts, the newest first."""
    order = [AuditEntry.created_at, AuditEntry.id]
    with reading() as session:
        entries = AuditRecord(session).entries(args)
        return paginate(session, entries, order=order, args=args, present=lambda row: row)
