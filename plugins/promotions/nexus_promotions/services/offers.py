"""A coupon as a checkout sees it, and what it knows of those that were asked for. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from nexus_kernel import Money
from nexus_kernel.contracts.orders import QuoteLine
from nexus_promotions.models import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An active coupon; `used` is what the limit counts, `used_by_person` what this buyer has taken of it.

    `version` is when its conditions were changed last.
    """

    id: UUID
    code: str
    title: str
    kind: Kind
    percentage: Decimal | None = None
    amount: Money | None = None
    minimum_spend: Money | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    usage_limit: int | None = None
    usage_limit_per_person: int | None = None
    used: int = 0
    used_by_person: int = 0
    is_combinable: bool = False
    product_ids: frozenset[UUID] = frozenset()
    variant_ids: frozenset[UUID] = frozenset()
    version: datetime

    @property
    def label(self) -> str:
        """What the buyer reads beside the amount."""
        return f"{self.title} ({self.code})" if self.title else self.code

    @property
    def currency(self) -> str | None:
        """That of its amounts; None where it has none and so fits every currency."""
        money = self.amount or self.minimum_spend
        return None if money is None else money.currency

    def is_for(self, line: QuoteLine) -> bool:
        """True for a line that it is for."""
        everything = not self.product_ids and not self.variant_ids
        return everything or line.product_id in self.product_ids or line.variant_id in self.variant_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a checkout asked for: `codes` each once, those that are known by code, and when it was looked up.

    `too_many_attempts`: this person has guessed so much that no code is believed for a while.
    """

    codes: tuple[str, ...]
    offers: Mapping[str, Offer]
    at: datetime
    too_many_attempts: bool = False
