"""PostgreSQL and Valkey of a test process, and databases that are cleaned and lent again.

Copying a template costs more than most tests; emptying the few tables that a test wrote costs a tenth of it.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import Connection, sql
from sqlalchemy.engine import make_url

Key = tuple[str, ...]

_SHAPE = """
    SELECT md5(string_agg(thing, ',' ORDER BY thing)) FROM (
        SELECT oid || relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT oid || proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT oid || tgname FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL SELECT oid || conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    ) AS things (thing)
"""
_WRITTEN = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT LIKE 'nexus\\_version\\_%'
      AND pg_relation_size(oid) > 0
"""
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Engines:
    """The servers of one test process, and the databases on them."""

    def __init__(self, admin_url: str, redis_url: str) -> None:
        self.admin_url = admin_url
        self.redis_url = redis_url
        self._templates: dict[Key, str] = {}
        self._shapes: dict[str, str] = {}
        self._free: dict[Key, list[str]] = defaultdict(list)

    def url(self, database: str) -> str:
        """The address of a database on this server."""
        return make_url(self.admin_url).set(database=database).render_as_string(hide_password=False)

    def create(self, name: str, template: str | None = None) -> str:
        """Create a database and return its address."""
        create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            create += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        with self._connected() as connection:
            connection.execute(create)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Drop a database and whoever is connected to it."""
        with self._connected() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    @contextmanager
    def lent(self, key: Key, migrate: Callable[[str], None]) -> Iterator[str]:
        """A migrated, empty database's address; `migrate` fills the template of this key once."""
        if key not in self._templates:
            template = f"template_{secrets.token_hex(6)}"
            migrate(self.create(template))
            self._templates[key] = template
        name = self._free[key].pop() if self._free[key] else self._copied(key)
        yield self.url(name)
        if self._emptied(name):
            self._free[key].append(name)
        else:
            self.drop(name)

    def _copied(self, key: Key) -> str:
        name = f"test_{secrets.token_hex(6)}"
        self.create(name, self._templates[key])
        with self._connected(name) as connection:
            self._shapes[name] = _scalar(connection, _SHAPE)
            if connection.execute(_WRITTEN).fetchone():
                self._shapes[name] = "its migrations wrote rows"
        return name

    def _emptied(self, name: str) -> bool:
        """False for a database that cannot be lent again: altered, or still in somebody's use."""
        with suppress(psycopg.Error), self._connected(name) as connection:
            if _scalar(connection, _OTHERS) or _scalar(connection, _SHAPE) != self._shapes[name]:
                return False
            connection.execute("SET lock_timeout = '1s'")
            connection.execute("SET session_replication_role = replica")  # ledgers refuse to be emptied
            written = [sql.Identifier(row[0]) for row in connection.execute(_WRITTEN)]
            if written:
                truncate = sql.SQL("TRUNCATE {} RESTART IDENTITY CASCADE")
                connection.execute(truncate.format(sql.SQL(", ").join(written)))
            return True
        return False

    @contextmanager
    def _connected(self, database: str | None = None) -> Iterator[Connection]:
        url = make_url(self.url(database) if database else self.admin_url)
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection


def _scalar(connection: Connection, query: str) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0] or "")
