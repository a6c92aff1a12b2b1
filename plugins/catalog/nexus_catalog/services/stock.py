"""Stock: every change is one statement, which locks rows in the order of their ids and writes the ledger.

Rows are locked before anything is decided, so a decision is never made on a figure that has changed since;
the order makes a deadlock between two carts impossible.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, select
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.errors import ReferenceInUse
from nexus_catalog.models import Stock, StockReservation
from nexus_catalog.services import stock_statements as statements
from nexus_catalog.services.changes import stock_changed, stock_fell
from nexus_kernel import settings
from nexus_kernel.context import current_actor_id
from nexus_kernel.contracts.catalog import Shortage


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
        rows = self._session.execute(
            statements.RESERVE, self._lines(quantities) | {"reference": reference}
        ).all()
        if all(row.is_held for row in rows):
            stock_changed(quantities)
            stock_fell(row.low for row in rows)
            return ()
        return self._why_not(rows, dict(quantities), reference)

    def release(self, reference: str) -> bool:
        """As the contract says, in one statement."""
        return self._end(statements.RELEASE, reference)

    def ship(self, reference: str, quantities: Mapping[UUID, int] | None = None) -> bool:
        """As the contract says, in one statement. Raises ValueError for a quantity below 1."""
        if quantities is None:
            return self._end(statements.SHIP, reference)
        if any(quantity < 1 for quantity in quantities.values()):
            raise ValueError("quantities to ship are at least 1")
        given = self._lines(quantities) | {"reference": reference}
        shipped = self._session.scalars(statements.SHIP_SOME, given).all()
        stock_changed(shipped)
        return bool(shipped)

    def open(self, quantities: Mapping[UUID, int], reason: str) -> None:
        """Begin to count new variants, with these pieces on hand and the deployment's low mark.

        One statement.
        """
        given = {"reason": reason, "mark": settings(CatalogConfig).low_stock_threshold}
        self._session.execute(statements.OPEN, self._lines(quantities) | given)

    def set_available(self, quantities: Mapping[UUID, int], reason: str) -> set[UUID]:
        """Correct the pieces on hand so that these are available, on top of what is held. One statement.

        Returns the variants whose stock changed.
        """
        given = self._lines(quantities) | {"reason": reason}
        rows = self._session.execute(statements.SET_AVAILABLE, given).all()
        changed = {row.variant_id for row in rows}
        stock_changed(changed)
        stock_fell(row.low for row in rows)
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
