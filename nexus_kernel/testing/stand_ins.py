"""Small plugins that provide a contract from memory, to test a plugin without its neighbours."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from nexus_kernel.contracts.accounts import AccountService, PersonView
from nexus_kernel.contracts.addresses import Address
from nexus_kernel.contracts.cart import CartLine, CartService, CartSnapshot
from nexus_kernel.contracts.catalog import CatalogService, Shortage, StockService, VariantView
from nexus_kernel.contracts.payments import MethodView, PaymentService
from nexus_kernel.db import new_id, on_commit
from nexus_kernel.hookspecs import hookimpl
from nexus_kernel.manifest import Manifest
from nexus_kernel.money import Money
from nexus_kernel.services import ServiceFactory


class StandInAccounts:
    """Provides AccountService. Add people with `add`."""

    MANIFEST = Manifest(name="accounts", summary="People, from memory", provides=(AccountService,))

    def __init__(self) -> None:
        self.people: dict[UUID, PersonView] = {}
        self.addresses: dict[tuple[UUID, UUID], Address] = {}

    def __repr__(self) -> str:
        return type(self).__name__

    def add(
        self, email: str = "buyer@example.com", *, roles: Collection[str] = (), verified: bool = True
    ) -> UUID:
        """A new person's id."""
        person = PersonView(
            id=new_id(),
            email=email,
            first_name="Abebe",
            last_name="Bikila",
            email_verified=verified,
            roles=frozenset(roles),
        )
        self.people[person.id] = person
        return person.id

    def get_people(self, ids: Collection[UUID]) -> Mapping[UUID, PersonView]:
        """As the contract says."""
        return {id: self.people[id] for id in ids if id in self.people}

    def find_person(self, email: str) -> PersonView | None:
        """As the contract says."""
        wanted = email.casefold()
        return next((person for person in self.people.values() if person.email.casefold() == wanted), None)

    def get_address(self, user_id: UUID, address_id: UUID) -> Address | None:
        """As the contract says. Add addresses to `addresses`."""
        return self.addresses.get((user_id, address_id))

    @hookimpl
    def nexus_services(self) -> Mapping[type, ServiceFactory]:
        """This object, for every session."""
        return {AccountService: lambda session: self}


class StandInCatalog:
    """Provides CatalogService and StockService. Add variants with `add`; change them in `variants`."""

    MANIFEST = Manifest(
        name="catalog", summary="Products, from memory", provides=(CatalogService, StockService)
    )

    def __init__(self) -> None:
        self.variants: dict[UUID, VariantView] = {}
        self.held: dict[str, dict[UUID, int]] = {}

    def __repr__(self) -> str:
        return type(self).__name__

    def add(
        self,
        price: Money | None = None,
        *,
        available: int = 10,
        title: str = "Lantern",
        is_active: bool = True,
        weight_grams: int = 0,
    ) -> VariantView:
        """A new variant, the default one of a new product."""
        variant = VariantView(
            id=new_id(),
            product_id=new_id(),
            sku=f"SKU-{len(self.variants) + 1}",
            title=title,
            slug=title.lower(),
            price=price or Money(25000, "ETB"),
            available=available,
            is_active=is_active,
            weight_grams=weight_grams,
        )
        self.variants[variant.id] = variant
        return variant

    def get_variants(self, ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        return {id: self.variants[id] for id in ids if id in self.variants}

    def get_default_variants(self, product_ids: Collection[UUID]) -> Mapping[UUID, VariantView]:
        """As the contract says."""
        return {v.product_id: v for v in self.variants.values() if v.product_id in product_ids}

    def available(self, variant_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """As the contract says."""
        return {
            id: variant.available - self._held(id) for id, variant in self.get_variants(variant_ids).items()
        }

    def reserve(self, quantities: Mapping[UUID, int], reference: str) -> tuple[Shortage, ...]:
        """As the contract says, but outside of the transaction."""
        left = self.available(quantities)
        shortages = tuple(
            Shortage(variant_id=id, requested=quantity, available=left.get(id, 0))
            for id, quantity in quantities.items()
            if left.get(id, 0) < quantity
        )
        if not shortages:
            self.held[reference] = dict(quantities)
        return shortages

    def release(self, reference: str) -> bool:
        """As the contract says."""
        return self.held.pop(reference, None) is not None

    def ship(self, reference: str, quantities: Mapping[UUID, int] | None = None) -> bool:
        """As the contract says; the pieces simply stay held under a name of their own."""
        held = self.held.get(reference, {})
        wanted = Counter(held if quantities is None else quantities)
        if not wanted or not wanted <= Counter(held):
            return False
        left = Counter(held) - wanted
        self.held[reference] = dict(left)
        if not left:
            del self.held[reference]
        self.held[f"shipped:{reference}"] = dict(Counter(self.held.get(f"shipped:{reference}", {})) + wanted)
        return True

    def _held(self, variant_id: UUID) -> int:
        return sum(held.get(variant_id, 0) for held in self.held.values())

    @hookimpl
    def nexus_services(self) -> Mapping[type, ServiceFactory]:
        """This object, for every session."""
        return {CatalogService: lambda session: self, StockService: lambda session: self}


class StandInCart:
    """Provides CartService. Put lines into somebody's cart with `fill`.

    A cart is emptied when the transaction is committed; nothing is locked.
    """

    MANIFEST = Manifest(name="cart", summary="Carts, from memory", provides=(CartService,))

    def __init__(self) -> None:
        self.carts: dict[UUID, CartSnapshot] = {}

    def __repr__(self) -> str:
        return type(self).__name__

    def fill(self, user_id: UUID, quantities: Mapping[UUID, int]) -> CartSnapshot:
        """Give this person's cart these quantities by variant id."""
        cart = self.carts.get(user_id) or CartSnapshot(id=new_id(), generation=1, lines=())
        lines = tuple(CartLine(variant_id=id, quantity=quantity) for id, quantity in quantities.items())
        self.carts[user_id] = replace(cart, lines=lines)
        return self.carts[user_id]

    def get(self, user_id: UUID) -> CartSnapshot | None:
        """As the contract says."""
        return self.carts.get(user_id)

    def lock(self, user_id: UUID) -> CartSnapshot | None:
        """As the contract says, without a lock."""
        return self.carts.get(user_id)

    def empty(self, cart_id: UUID, generation: int) -> None:
        """As the contract says."""
        on_commit(lambda: self._empty(cart_id, generation))

    def _empty(self, cart_id: UUID, generation: int) -> None:
        for user_id, cart in self.carts.items():
            if (cart.id, cart.generation) == (cart_id, generation):
                self.carts[user_id] = replace(cart, generation=generation + 1, lines=())

    @hookimpl
    def nexus_services(self) -> Mapping[type, ServiceFactory]:
        """This object, for every session."""
        return {CartService: lambda session: self}


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRefund:
    """What was asked of `StandInPayments.refund`."""

    id: UUID
    payable_kind: str
    payable_id: UUID
    amount: Money
    reason: str
    actor_id: UUID | None


class StandInPayments:
    """Provides PaymentService, with a card (30 minutes, ETB and USD) and cash on delivery (no term, any).

    Publish `PaymentSucceeded` and its like in a transaction to say what became of a payment.
    """

    MANIFEST = Manifest(name="payments", summary="Ways to pay, from memory", provides=(PaymentService,))

    def __init__(self) -> None:
        self.offered: dict[str, MethodView] = {}
        self.refunds: dict[str, AskedRefund] = {}
        self.offer("card", currencies=frozenset({"ETB", "USD"}), pending_ttl=timedelta(minutes=30))
        self.offer("cash", currencies=None, pending_ttl=None)

    def __repr__(self) -> str:
        return type(self).__name__

    def offer(self, code: str, *, currencies: frozenset[str] | None, pending_ttl: timedelta | None) -> None:
        """Add or replace a way to pay."""
        self.offered[code] = MethodView(
            code=code, display_name=code.title(), currencies=currencies, pending_ttl=pending_ttl
        )

    def methods(self) -> Mapping[str, MethodView]:
        """As the contract says."""
        return self.offered

    def refund(
        self,
        payable_kind: str,
        payable_id: UUID,
        amount: Money,
        *,
        reference: str,
        reason: str,
        actor_id: UUID | None,
    ) -> UUID:
        """As the contract says, but never refused; what was asked stands in `refunds`, by reference."""
        asked = AskedRefund(
            id=new_id(),
            payable_kind=payable_kind,
            payable_id=payable_id,
            amount=amount,
            reason=reason,
            actor_id=actor_id,
        )
        return self.refunds.setdefault(reference, asked).id

    @hookimpl
    def nexus_services(self) -> Mapping[type, ServiceFactory]:
        """This object, for every session."""
        return {PaymentService: lambda session: self}
