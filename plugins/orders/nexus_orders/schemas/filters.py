"""Which orders to list or to export."""

from datetime import UTC, date, datetime, time
from typing import Any

import marshmallow as ma

from nexus_kernel import Amount, Country, Currency, PageQuery, QuerySchema, Text
from nexus_orders.schemas.orders import PAYMENT_STATUSES, STATUSES
from nexus_orders.services.filters import MOST_WORDS, SORTS


class Moment(ma.fields.String):
    """A day or a time (ISO 8601); UTC where it names no offset. `at` is the time that stands for a day."""

    def __init__(self, *, at: time, **kwargs: Any) -> None:
        metadata = {"example": "2026-01-31", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)
        self._at = at

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            if len(text) == 10:
                return datetime.combine(date.fromisoformat(text), self._at, UTC)
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ma.ValidationError("Must be a day or a time such as 2026-01-31T09:30:00Z.") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Words(Text):
    """A few words to look for."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text.split()) > MOST_WORDS:
            raise ma.ValidationError(f"At most {MOST_WORDS} words.")
        return text


class OrderFilters(QuerySchema):
    """What the orders have in common."""

    status = ma.fields.String(validate=STATUSES)
    payment_status = ma.fields.String(validate=PAYMENT_STATUSES)
    payment_method = Text(50, minimum=1)
    placed_from = Moment(at=time.min, metadata={"description": "A day from its beginning, or a time; UTC."})
    placed_to = Moment(at=time.max, metadata={"description": "A day to its end, or a time; UTC."})
    number = Text(20, metadata={"description": "The order's number, exactly; in any case."})
    q = Words(
        100,
        metadata={
            "description": "Beginnings of words, each of the number, the city, or the SKU or title of a line."
        },
    )
    country = Country()
    currency = Currency()
    min_total = Amount()
    max_total = Amount()
    user_id = ma.fields.UUID(metadata={"description": "The buyer; staff only."})
    email = Text(254, minimum=1, metadata={"description": "The buyer's address, exactly; staff only."})

    @ma.validates_schema
    def check_bounds(self, data: dict[str, Any], **kwargs: Any) -> None:
        """An interval without anything in it is a mistake."""
        for low, high in (("placed_from", "placed_to"), ("min_total", "max_total")):
            if low in data and high in data and data[low] > data[high]:
                raise ma.ValidationError({high: [f"Must not be less than {low}."]})


class OrderQuery(OrderFilters, PageQuery):
    """Which orders to list, and in which order."""

    sort = ma.fields.String(load_default="-placed_at", validate=ma.validate.OneOf(list(SORTS)))


class ExportQuery(OrderFilters):
    """Which orders to export, and how."""

    rows = ma.fields.String(
        load_default="orders",
        validate=ma.validate.OneOf(["orders", "items"]),
        metadata={"description": "A row an order, or a row a line of an order."},
    )
    bom = ma.fields.Boolean(
        load_default=True, metadata={"description": "Begin with the mark by which Excel knows UTF-8."}
    )
