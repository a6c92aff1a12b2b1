"""The rows of a database as they once were."""

from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import Connection

TABLES = """
    SELECT table_name, string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
      AND table_name NOT LIKE 'nexus\\_version\\_%'
    GROUP BY table_name
"""
RESTORE = """
    DELETE FROM {table} AS here WHERE NOT EXISTS (
        SELECT FROM kept.{table} AS there WHERE there::text = here::text);
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM kept.{table} AS there
    WHERE NOT EXISTS (SELECT FROM {table} AS here WHERE there::text = here::text);
"""
CHANGED = """
    SELECT '{table}' WHERE EXISTS (
        (SELECT here::text FROM {table} AS here EXCEPT ALL SELECT there::text FROM kept.{table} AS there)
        UNION ALL
        (SELECT there::text FROM kept.{table} AS there EXCEPT ALL SELECT here::text FROM {table} AS here))
"""


class Snapshot:
    """Keeps the rows of every table in a schema of its own. `restore` writes only what has changed since."""

    def __init__(self, app: Flask) -> None:
        self._engine = app.extensions["nexus"].db.engine
        with self._engine.begin() as connection:
            tables = [tuple(row) for row in connection.execute(text(TABLES))]
            keep = "".join(f"CREATE TABLE kept.{table} AS TABLE {table};" for table, _ in tables)
            _run(connection, f"CREATE SCHEMA kept; {keep}")
        self._changed = "UNION ALL".join(CHANGED.format(table=table) for table, _ in tables)
        self._restore = "".join(RESTORE.format(table=table, columns=columns) for table, columns in tables)

    def changed(self) -> set[str]:
        """The tables that have other rows now."""
        with self._engine.begin() as connection:
            return set(connection.execute(text(self._changed)).scalars())

    def restore(self) -> None:
        """Undo every write. Triggers and foreign keys have no say, as in a replica."""
        with self._engine.begin() as connection:
            _run(connection, f"SET LOCAL session_replication_role = replica; {self._restore}")

    def drop(self) -> None:
        """Forget it."""
        with self._engine.begin() as connection:
            _run(connection, "DROP SCHEMA kept CASCADE")


def _run(connection: Connection, statements: str) -> None:
    connection.connection.dbapi_connection.execute(statements, prepare=False)  # type: ignore[union-attr]
