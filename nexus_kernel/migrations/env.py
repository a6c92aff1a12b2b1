"""alembic's environment for every branch: only the owner's tables are seen."""

from typing import Any

from alembic import context
from sqlalchemy import MetaData

from nexus_kernel.naming import owner_of

config = context.config
owner: str = config.attributes["owner"]
owners: set[str] = config.attributes["owners"]
metadata: MetaData = config.attributes["metadata"]


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """Leave out what is reflected from the database and belongs to somebody else."""
    return kind != "table" or _is_ours(name or "")


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave out the models of other plugins."""
    return kind != "table" or _is_ours(name or "")


def skip_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Write no revision where nothing changed."""
    if config.attributes.get("autogenerate") and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def _is_ours(table: str) -> bool:
    return owner_of(table, owners, "_") == owner and not table.startswith("nexus_version_")


context.configure(
    connection=config.attributes["connection"],
    target_metadata=metadata,
    version_table=config.attributes["version_table"],
    include_name=include_name,
    include_object=include_object,
    process_revision_directives=skip_empty,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
