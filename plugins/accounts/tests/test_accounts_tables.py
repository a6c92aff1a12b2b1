"""The tables are the models', there and back."""

from datetime import timedelta

import pytest
from nexus_accounts.models import Act, AuditEntry
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from nexus_kernel import migrations, new_id, now, transaction


def test_the_tables_are_as_the_models_say_and_come_back_after_a_downgrade(app):
    assert migrations.check(app) == []
    migrations.downgrade(app, "accounts", "accounts_0002")
    migrations.upgrade(app)
    assert migrations.check(app) == []


@pytest.fixture
def entry(app):
    """An entry of the record, so many days old."""

    def make(days: float):
        with app.app_context(), transaction() as session:
            made = AuditEntry(act=Act.SIGNED_IN, subject_id=new_id(), created_at=now() - timedelta(days=days))
            session.add(made)
        return made.id

    return make


def entries(app) -> int:
    with app.app_context(), transaction() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_audit_entry SET act = 'x'",
        "DELETE FROM accounts_audit_entry",
        "TRUNCATE accounts_audit_entry",
        "SET LOCAL accounts.audit_prune = 'on'; UPDATE accounts_audit_entry SET act = 'x'",
        "SET LOCAL accounts.audit_prune = 'on'; TRUNCATE accounts_audit_entry",
        "SET LOCAL accounts.audit_prune = 'on'; DELETE FROM accounts_audit_entry",
    ],
)
def test_nothing_in_the_record_is_changed_or_removed_while_it_is_young(app, entry, statement):
    entry(29)
    with pytest.raises(DBAPIError, match="append-only"), app.app_context(), transaction() as session:
        for part in statement.split("; "):
            session.execute(text(part))
    assert entries(app) == 1


def test_an_old_entry_is_removed_by_the_prune_only(app, entry):
    entry(400)
    kept = entry(100)
    with pytest.raises(DBAPIError, match="append-only"), app.app_context(), transaction() as session:
        session.execute(text("DELETE FROM accounts_audit_entry"))
    with app.app_context():
        app.extensions["nexus"].tasks["accounts.prune_audit"].function()
    with app.app_context(), transaction() as session:
        assert session.scalars(select(AuditEntry.id)).all() == [kept]
