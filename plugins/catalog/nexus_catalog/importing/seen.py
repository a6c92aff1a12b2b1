"""What came earlier in the file: kept on disk, so that memory does not grow with the file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Self


class Seen:
    """Remembers the first line of each key, in a temporary SQLite database that is gone when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for pragma in ("cache_size = -4096", "journal_mode = MEMORY", "synchronous = OFF"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.execute(
            "CREATE TABLE seen (kind TEXT, key BLOB, line INTEGER, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    def earlier(self, kind: str, key: str) -> int | None:
        """The line on which this key was noted."""
        query = "SELECT line FROM seen WHERE kind = ? AND key = ?"
        with closing(self._database.execute(query, (kind, _bytes(key)))) as cursor:
            row = cursor.fetchone()
        return int(row[0]) if row else None

    def note(self, kind: str, key: str, line: int) -> int | None:
        """Note the key; the line of an earlier note, which stays."""
        inserted = self._database.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (kind, _bytes(key), line)
        )
        return None if inserted.rowcount else self.earlier(kind, key)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Forget what was noted in the block when it raises."""
        self._database.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK TO attempt")
            raise
        finally:
            self._database.execute("RELEASE attempt")


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
