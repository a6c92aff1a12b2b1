"""A state file (SQLite) that lets transactions and unfinished messages survive a restart."""

import sqlite3
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from cattrs.preconf.json import JsonConverter, make_converter

from nexus_chapa_sim.core.model import Refund, Transaction
from nexus_chapa_sim.delivery.model import Delivery

_SCHEMA = """
CREATE TABLE IF NOT EXISTS transactions (
    position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS deliveries (
    position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, record TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS refunds (
    position INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, record TEXT NOT NULL
);
"""


class JournalError(Exception):
    """The state file cannot be used; the text is a sentence for the user."""


class SqliteJournal:
    """Every record as JSON in a table of its kind, in the order of first appearance."""

    def __init__(self, path: Path) -> None:
        self._converter = _converter()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False)
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise JournalError(f"The state file {path} cannot be used: {error}.") from error

    def load(self) -> tuple[list[Transaction], list[Delivery], list[Refund]]:
        """Everything that was saved, oldest first; raises JournalError when it cannot be read."""
        try:
            return (
                self._read("transactions", Transaction),
                self._read("deliveries", Delivery),
                self._read("refunds", Refund),
            )
        except Exception as error:
            raise JournalError("The state file was written by another version or is damaged.") from error

    def save(
        self, transactions: Iterable[Transaction], deliveries: Iterable[Delivery], refunds: Iterable[Refund]
    ) -> None:
        """Write every kind of record in one transaction."""
        with self._connection:
            self._write("transactions", ((record.tx_ref, record) for record in transactions))
            self._write("deliveries", ((record.id, record) for record in deliveries))
            self._write("refunds", ((record.ref_id, record) for record in refunds))

    def close(self) -> None:
        self._connection.close()

    def _read(self, table: str, kind: type[Any]) -> list[Any]:
        rows = self._connection.execute(f"SELECT record FROM {table} ORDER BY position")
        return [self._converter.loads(record, kind) for (record,) in rows]

    def _write(self, table: str, records: Iterable[tuple[str, Any]]) -> None:
        self._connection.executemany(
            f"INSERT INTO {table} (key, record) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET record = excluded.record",
            ((key, self._converter.dumps(record)) for key, record in records),
        )


def _converter() -> JsonConverter:
    converter = make_converter()
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    return converter
