"""Stock: every change is one statement, which locks rows in the order of their ids and writes the ledger.

Rows are locked before anything is decided, so a decision is never made on a figure that has changed since;
the order makes a deadlock between two carts impossible. New figures are made from the locked row alone: the
row that the statement saw as it began may be older, and PostgreSQL tries the CHECK on it before it looks
again.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Row, String, TextClause, Uuid, bindparam, select, text
from sqlalchemy.orm import Session

from nexus_catalog.errors import ReferenceInUse
from nexus_catalog.models import Stock, StockReservation
from nexus_catalog.services.changes import stock_changed
from nexus_kernel.context import current_actor_id
from nexus_kernel.contracts.catalog import Shortage

_LINES = (bindparam("ids", type_=ARRAY(Uuid)), bindparam("quantities", type_=ARRAY(BigInteger)))
_ACTOR, _REFERENCE = bindparam("actor", type_=Uuid), bindparam("reference", type_=String)
_REASON = bindparam("reason", type_=String)

_RESERVE = text("""
    WITH wanted AS (
        SELECT * FROM unnest(:ids, :quantities) AS line (variant_id, quantity)
    ), locked AS MATERIALIZED (
        SELECT s.variant_id, s.on_hand, s.reserved
        FROM catalog_stock s WHERE s.variant_id = ANY(:ids)
        ORDER BY s.variant_id FOR UPDATE
    ), line AS MATERIALIZED (
        SELECT w.variant_id, w.quantity, coalesce(l.on_hand - l.reserved, 0) AS available,
               l.on_hand, l.reserved
        FROM wanted w LEFT JOIN locked l USING (variant_id)
    ), held AS (
        INSERT INTO catalog_stock_reservation (reference, variant_id, quantity)
        SELECT :reference, variant_id, quantity FROM line
        WHERE (SELECT bool_and(quantity <= available) FROM line)
          AND NOT EXISTS (SELECT FROM catalog_stock_reservation WHERE reference = :reference)
        ON CONFLICT DO NOTHING
        RETURNING variant_id, quantity
    ), counted AS (
        UPDATE catalog_stock s SET on_hand = l.on_hand, reserved = l.reserved + h.quantity
        FROM held h JOIN line l USING (variant_id) WHERE s.variant_id = h.variant_id
    ), noted AS (
        INSERT INTO catalog_stock_movement
            (variant_id, delta_on_hand, delta_reserved, reason, reference, actor_id)
        SELECT variant_id, 0, quantity, 'reserve', :reference, :actor FROM held
    )
    SELECT line.variant_id, line.quantity, line.available, h.variant_id IS NOT NULL AS is_held
    FROM line LEFT JOIN held h USING (variant_id) ORDER BY line.variant_id
""").bindparams(*_LINES, _ACTOR, _REFERENCE)

_END = """
    WITH claimed AS MATERIALIZED (
        SELECT variant_id FROM catalog_stock_reservation WHERE reference = :reference
        ORDER BY variant_id FOR UPDATE
    ), gone AS (
        DELETE FROM catalog_stock_reservation r USING claimed c
        WHERE r.reference = :reference AND r.variant_id = c.variant_id
        RETURNING r.variant_id, r.quantity
    ), locked AS MATERIALIZED (
        SELECT s.variant_id, s.on_hand, s.reserved, g.quantity
        FROM catalog_stock s JOIN gone g USING (variant_id)
        ORDER BY s.variant_id FOR UPDATE OF s
    ), counted AS (
        UPDATE catalog_stock s
        SET reserved = l.reserved - l.quantity, on_hand = l.on_hand - l.quantity * {shipped}
        FROM locked l WHERE s.variant_id = l.variant_id
    ), noted AS (
        INSERT INTO catalog_stock_movement
            (variant_id, delta_on_hand, delta_reserved, reason, reference, actor_id)
        SELECT variant_id, -quantity * {shipped}, -quantity, '{reason}', :reference, :actor FROM locked
    )
    SELECT variant_id FROM gone
"""
_RELEASE = text(_END.format(shipped=0, reason="release")).bindparams(_ACTOR, _REFERENCE)
_SHIP = text(_END.format(shipped=1, reason="ship")).bindparams(_ACTOR, _REFERENCE)

_OPEN = text("""
    WITH opened AS (
        INSERT INTO catalog_stock (variant_id, on_hand)
        SELECT * FROM unnest(:ids, :quantities) RETURNING variant_id, on_hand
    )
    INSERT INTO catalog_stock_movement (variant_id, delta_on_hand, delta_reserved, reason, actor_id)
    SELECT variant_id, on_hand, 0, :reason, :actor FROM opened WHERE on_hand > 0
""").bindparams(*_LINES, _ACTOR, _REASON)

_SET_AVAILABLE = text("""
    WITH wanted AS (
        SELECT * FROM unnest(:ids, :quantities) AS line (variant_id, quantity)
    ), locked AS MATERIALIZED (
        SELECT s.variant_id, s.on_hand, s.reserved, w.quantity - (s.on_hand - s.reserved) AS delta
        FROM catalog_stock s JOIN wanted w USING (variant_id)
        ORDER BY s.variant_id FOR UPDATE OF s
    ), counted AS (
        UPDATE catalog_stock s SET on_hand = l.on_hand + l.delta, reserved = l.reserved
        FROM locked l WHERE s.variant_id = l.variant_id AND l.delta <> 0
    ), noted AS (
        INSERT INTO catalog_stock_movement (variant_id, delta_on_hand, delta_reserved, reason, actor_id)
        SELECT variant_id, delta, 0, :reason, :actor FROM locked WHERE delta <> 0
    )
    SELECT variant_id FROM locked WHERE delta <> 0
""").bindparams(*_LINES, _ACTOR, _REASON)


class StockKeeper:
    """Provides StockService on the catalog's own tables."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def available(self, variant_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """As the contract says. One query."""
        rows = self._session.execute(
            select(Stock.variant_id, Stock.on_hand - Stock.reserved).where(Stock.variant_id.in_(variant_ids))
        )
        return {variant_id: available for variant_id, available in rows}

    def reserve(self, quantities: Mapping[UUID, int], reference: str) -> tuple[Shortage, ...]:
        """As the contract says, in one statement.

        A second call with the same reference and quantities holds nothing more and succeeds. Raises
        ReferenceInUse when other quantities are held for it, ValueError for a quantity below 1.
        """
        if any(quantity < 1 for quantity in quantities.values()):
            raise ValueError("quantities to reserve are at least 1")
        if not quantities:
            return ()
        rows = self._session.execute(_RESERVE, self._lines(quantities) | {"reference": reference}).all()
        if all(row.is_held for row in rows):
            stock_changed(quantities)
            return ()
        return self._why_not(rows, dict(quantities), reference)

    def release(self, reference: str) -> bool:
        """As the contract says, in one statement."""
        return self._end(_RELEASE, reference)

    def ship(self, reference: str) -> bool:
        """As the contract says, in one statement."""
        return self._end(_SHIP, reference)

    def open(self, quantities: Mapping[UUID, int], reason: str) -> None:
        """Begin to count new variants, with these pieces on hand. One statement."""
        self._session.execute(_OPEN, self._lines(quantities) | {"reason": reason})

    def set_available(self, quantities: Mapping[UUID, int], reason: str) -> set[UUID]:
        """Correct the pieces on hand so that these are available, on top of what is held. One statement.

        Returns the variants whose stock changed.
        """
        changed = set(self._session.scalars(_SET_AVAILABLE, self._lines(quantities) | {"reason": reason}))
        stock_changed(changed)
        return changed

    def _why_not(
        self, rows: Sequence[Row[Any]], wanted: dict[UUID, int], reference: str
    ) -> tuple[Shortage, ...]:
        held = dict(
            self._session.execute(
                select(StockReservation.variant_id, StockReservation.quantity).where(
                    StockReservation.reference == reference
                )
            ).all()
        )
        if held == wanted:
            return ()
        if held:
            raise ReferenceInUse(f"{reference} holds other pieces; release them first.")
        shortages = tuple(
            Shortage(variant_id=row.variant_id, requested=row.quantity, available=row.available)
            for row in rows
            if row.quantity > row.available
        )
        if not shortages:
            raise ReferenceInUse(f"{reference} was held and given back just now; try again.")
        return shortages

    def _end(self, statement: TextClause, reference: str) -> bool:
        parameters = {"reference": reference, "actor": current_actor_id()}
        ended = self._session.scalars(statement, parameters).all()
        stock_changed(ended)
        return bool(ended)

    def _lines(self, quantities: Mapping[UUID, int]) -> dict[str, object]:
        return {
            "ids": list(quantities),
            "quantities": list(quantities.values()),
            "actor": current_actor_id(),
        }
