"""Writing rates: each function runs inside the caller's transaction and flushes.

Writers go one after the other, so that no two of them make rates that overlap.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from nexus_kernel import FieldError, current_cache, invalid_field, new_id, now
from nexus_tax.errors import RateExists
from nexus_tax.models import TaxRate
from nexus_tax.services.reading import RATES, get_rate
from nexus_tax.services.taxes import folded


def lock_rates(session: Session) -> None:
    """Changes of rates go one after the other, until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("tax_rate"))))


def create_rate(session: Session, values: Mapping[str, Any]) -> UUID:
    """A new rate's id. Raises RateExists, and Invalid for a validity that ends before it begins."""
    lock_rates(session)
    rate_id = new_id()
    _check(session, rate_id, values)
    session.execute(insert(TaxRate).values(id=rate_id, **values))
    current_cache().invalidate(RATES)
    return rate_id


def update_rate(session: Session, rate_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a rate; what is left out stays.

    Raises RateNotFound, RateExists, and Invalid for a validity that ends before it begins. Orders that were
    placed keep the tax they have.
    """
    lock_rates(session)
    current = get_rate(session, rate_id)
    if not changes:
        return
    _check(session, rate_id, {**current, **changes})
    session.execute(update(TaxRate).where(TaxRate.id == rate_id).values(**changes, updated_at=now()))
    current_cache().invalidate(RATES)


def delete_rate(session: Session, rate_id: UUID) -> None:
    """Delete a rate; orders keep the tax they have. Raises RateNotFound."""
    lock_rates(session)
    get_rate(session, rate_id)
    session.execute(delete(TaxRate).where(TaxRate.id == rate_id))
    current_cache().invalidate(RATES)


def _check(session: Session, rate_id: UUID, values: Mapping[str, Any]) -> None:
    begin, end = values["valid_from"], values["valid_to"]
    if begin is not None and end is not None and begin >= end:
        raise invalid_field("valid_to", "Must be after valid_from.")
    if not values["is_active"]:
        return
    others = select(TaxRate.id, TaxRate.region, TaxRate.valid_from, TaxRate.valid_to).where(
        TaxRate.country == values["country"],
        TaxRate.label == values["label"],
        TaxRate.is_active,
        TaxRate.id != rate_id,
    )
    for other in session.execute(others):
        same_place = folded(other.region) == folded(values["region"])
        if same_place and _overlap((begin, end), (other.valid_from, other.valid_to)):
            message = "Another active rate of this label is valid there at the same time."
            raise RateExists(message, errors=[FieldError("label", "taken", message)], rate_id=str(other.id))


def _overlap(
    one: tuple[datetime | None, datetime | None], two: tuple[datetime | None, datetime | None]
) -> bool:
    return _begins_before(one[0], two[1]) and _begins_before(two[0], one[1])


def _begins_before(begin: datetime | None, end: datetime | None) -> bool:
    return begin is None or end is None or begin < end
