"""What a person is about to buy."""

from dataclasses import dataclass
from typing import ClassVar, Protocol
from uuid import UUID

from nexus_kernel.contracts.events import Event


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


@dataclass(frozen=True, kw_only=True)
class CartAbandoned(Event):
    """A cart with something in it was left alone for a day, or whatever the shop has set.

    Told once: again only when the cart is changed and left alone once more. `user_id` is None for a guest.
    The lines are what the cart holds at that moment; it may be ordered or emptied before anybody hears of it.
    """

    name: ClassVar[str] = "cart.abandoned"
    cart_id: UUID
    user_id: UUID | None
    lines: tuple[CartLine, ...]
