"""What a person is about to buy."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """`quantity` pieces of a variant, in the order in which they were added."""

    variant_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CartSnapshot:
    """A cart. `generation` rises by one each time the cart is emptied by a checkout.

    (`id`, `generation`) identifies one filling of the cart, so that it can be ordered once only.
    """

    id: UUID
    generation: int
    lines: tuple[CartLine, ...]


class CartService(Protocol):
    """Hands a cart over to the checkout. Each runs inside the caller's unit of work, and is one statement."""

    def get(self, user_id: UUID) -> CartSnapshot | None:
        """The person's cart as it is, not locked: for a quote. None when there is none."""
        ...

    def lock(self, user_id: UUID) -> CartSnapshot | None:
        """The person's cart, locked until the transaction ends; None when there is none."""
        ...

    def empty(self, cart_id: UUID, generation: int) -> None:
        """Remove every line of a locked cart and open its next generation."""
        ...
