"""Storing a batch in one transaction, tried again when somebody else's came in between."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from nexus_catalog.importing.apply import apply_plan
from nexus_catalog.importing.locks import Overtaken, lock_all, lock_changed
from nexus_catalog.importing.plan import Plan, make_plan
from nexus_catalog.importing.products import ImportProduct
from nexus_catalog.importing.rows import ImportRow, Refusal
from nexus_catalog.importing.seen import Seen
from nexus_kernel import reading, transaction

IMPORT_LOCK = 0x6E636174
"""Imports take turns, a batch at a time; the number is "ncat"."""
_TURN = text(f"""
    SELECT set_config('lock_timeout', '60s', true), set_config('statement_timeout', '60s', true),
           pg_advisory_xact_lock({IMPORT_LOCK})
""")
_ATTEMPTS = 6
_TRANSIENT = {"23503", "23505", "40P01", "55P03"}
"""A row that went or came between the look and the write, a deadlock, a row locked for too long."""


@dataclass
class Outcome:
    """What became of the rows of a batch. `images` are the rows whose product has images to look after."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    images: list[tuple[ImportRow, UUID | None]] = field(default_factory=list)
    last_line: int = 0


@dataclass(frozen=True)
class Options:
    """How to import. `dry_run` stores nothing; `set_stock` sets the stock of known variants, too."""

    currency: str
    dry_run: bool = False
    set_stock: bool = False


Within = Callable[[Session, Outcome], None]


def store_batch(
    products: Sequence[ImportProduct], seen: Seen, options: Options, within: Within | None = None
) -> Outcome:
    """Create and change these products. `within` runs in the transaction that stores them.

    A dry run reads the same and decides the same, and writes nothing.
    """
    if options.dry_run:
        with reading() as session:
            return _outcome(make_plan(session, products, seen, options.set_stock), {})
    overtaken = False
    for attempt in range(1, _ATTEMPTS):
        try:
            return _store_once(products, seen, options, within, overtaken)
        except Overtaken:
            overtaken = True
        except (IntegrityError, OperationalError) as error:
            if not is_transient(error):
                raise
            time.sleep(0.1 * attempt)
    return _store_once(products, seen, options, within, overtaken)


def is_transient(error: DBAPIError) -> bool:
    """True where somebody came in between, so that another attempt may succeed."""
    return getattr(error.orig, "sqlstate", None) in _TRANSIENT


def _store_once(
    products: Sequence[ImportProduct], seen: Seen, options: Options, within: Within | None, overtaken: bool
) -> Outcome:
    with seen.attempt(), transaction() as session:
        session.execute(_TURN)
        session.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
        if overtaken:
            lock_all(session, products)
        plan = make_plan(session, products, seen, options.set_stock)
        lock_changed(session, plan)
        outcome = _outcome(plan, apply_plan(session, plan))
        outcome.last_line = products[-1].head.line
        if within is not None:
            within(session, outcome)
    return outcome


def _outcome(plan: Plan, ids: dict[int, UUID]) -> Outcome:
    """The figures, a row each: a change of the product itself counts for its first row."""
    outcome = Outcome(refusals=plan.refusals)
    outcome.created = sum(len(new.product.rows) for new in plan.created)
    for known in plan.known:
        updated = {row.line for row, _ in (*known.changed, *known.restocked)}
        if known.changes_product and known.product.head not in known.created:
            updated.add(known.product.head.line)
        outcome.created += len(known.created)
        outcome.updated += len(updated)
        outcome.unchanged += len(known.product.rows) - len(known.created) - len(updated)
    ids = ids | {known.product.head.line: known.id for known in plan.known}
    heads = [product.product.head for product in (*plan.created, *plan.known)]
    outcome.images = [(head, ids.get(head.line)) for head in heads if head.images]
    return outcome
