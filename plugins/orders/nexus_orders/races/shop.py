"""The shop as a race sees it: products, people, carts and orders of its own, which it takes away again."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import ColumnElement, select

from nexus_kernel import Nexus, issue_access_token, new_id, reading, services, transaction
from nexus_kernel.contracts.catalog import StockService
from nexus_kernel.contracts.payments import PaymentService
from nexus_orders.models import Order, OrderItem
from nexus_orders.races.answers import Answer, timed
from nexus_orders.states import OrderStatus

TITLE = "Race check (please do not buy)"
ADDRESS = {"address_line": "Race check 1", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
CLIENTS = 4
"""How many at once prepare a round and clean up behind it."""


class Refused(Exception):
    """The shop does not let a race be prepared; the message says what it answered."""


@dataclass(frozen=True)
class Product:
    """A product with one variant."""

    id: str
    variant_id: UUID
    price: str
    currency: str


class Shop:
    """Speaks to an application through its routes. `body` adds to the body of every order."""

    def __init__(self, app: Flask, body: Mapping[str, Any] | None = None) -> None:
        self._app = app
        self._nexus: Nexus = app.extensions["nexus"]
        self._body = dict(body or {})
        self._headers: dict[tuple[UUID, str], tuple[float, dict[str, str]]] = {}
        self._people: list[UUID] = []
        self._products: list[Product] = []
        self._staff = new_id()

    def product(self, stock: int, price: str = "100") -> Product:
        """A new product. Raises Refused."""
        body = {"title": TITLE, "price": price, "stock_quantity": stock}
        shown = self._done(self.send("POST", "/api/catalog/products/", self._staff, body), 201).body
        (variant,) = shown["variants"]
        made = Product(shown["id"], UUID(variant["id"]), price, shown["currency"])
        self._products.append(made)
        return made

    def reprice(self, product: Product, price: str) -> Answer:
        """Ask for another price."""
        return self.send("PATCH", f"/api/catalog/products/{product.id}/", self._staff, {"price": price})

    def people(self, count: int) -> list[UUID]:
        """So many buyers; the same ones every time."""
        while len(self._people) < count:
            self._people.append(new_id())
        return self._people[:count]

    def fill(self, carts: Mapping[UUID, Iterable[Product]]) -> None:
        """Give each person a cart of one piece of each of these products, added in this order."""

        def fill(person: UUID) -> None:
            self._done(self.send("DELETE", "/api/cart/cart/clear/", person), 204)
            for product in carts[person]:
                body = {"variant_id": str(product.variant_id)}
                self._done(self.send("POST", "/api/cart/cart/items/", person, body), 201)

        self._each(fill, carts)

    def submit(self, person: UUID, key: str | None = None, **body: Any) -> Answer:
        """Order what is in the person's cart, with an Idempotency-Key when there is one."""
        method = self._body.get("payment_method") or self._payment_method()
        given = {"shipping_address": ADDRESS, "payment_method": method, **self._body, **body}
        headers = {"Idempotency-Key": key} if key else {}
        return self.send("POST", "/api/orders/", person, given, headers)

    def cancel(self, orders: Iterable[tuple[UUID, UUID]]) -> None:
        """Cancel orders, each given with its buyer. Raises Refused."""

        def cancel(order: tuple[UUID, UUID]) -> None:
            body = {"reason": "Race check"}
            self._done(self.send("POST", f"/api/orders/{order[0]}/cancel/", order[1], body), 200)

        self._each(cancel, orders)

    def available(self, products: Sequence[Product]) -> list[int]:
        """The pieces of each that nobody holds, as the stock knows them."""
        with self._app.app_context(), reading():
            found = services.get(StockService).available([product.variant_id for product in products])
        return [found[product.variant_id] for product in products]

    def orders(self) -> dict[UUID, UUID]:
        """The orders of this shop's people that are not cancelled, with their buyers."""
        open_ = Order.user_id.in_(self._people), Order.status != OrderStatus.CANCELLED
        with self._app.app_context(), reading() as session:
            return {
                id: person for id, person in session.execute(select(Order.id, Order.user_id).where(*open_))
            }

    def unsound(self) -> list[str]:
        """The numbers of open orders whose lines are not what the order says."""
        lines = select(OrderItem.order_id, OrderItem.total_minor).subquery()
        with self._app.app_context(), reading() as session:
            rows = session.execute(
                select(Order.number, Order.subtotal_minor, lines.c.total_minor)
                .outerjoin(lines, lines.c.order_id == Order.id)
                .where(*self._open())
            ).all()
        left: dict[str, int] = {}
        for number, subtotal, line in rows:
            left[number] = left.get(number, subtotal) - (line or 0)
        return [number for number, difference in left.items() if difference]

    def clean_up(self) -> list[str]:
        """Cancel the orders, forget the people and retire the products; what could not be taken away.

        Cancelled orders stay in the books, without their addresses.
        """
        steps: list[Callable[[], None]] = [partial(self.cancel, [order]) for order in self.orders().items()]
        steps += [partial(self._forget, person) for person in self._people]
        steps += [partial(self._retire, product) for product in self._products]
        left = []
        for step in steps:
            try:
                step()
            except Exception as error:
                left.append(str(error))
        return left

    def send(
        self,
        method: str,
        path: str,
        person: UUID,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request by this person, through a client of its own."""
        given = {**self._signed_in(person), **(headers or {})}
        client = self._app.test_client()
        return timed(lambda: client.open(path, method=method, json=body, headers=given))

    def _signed_in(self, person: UUID) -> dict[str, str]:
        """A token that the kernel signed and this process takes the word of: no account is behind it."""
        roles = ("staff",) if person == self._staff else ()
        made, headers = self._headers.get((person, str(roles)), (0.0, {}))
        if time.monotonic() - made > self._nexus.config.access_token_minutes * 30 or not headers:
            with self._app.app_context():
                token = issue_access_token(person, roles)
                self._nexus.tokens.remember(token)
            headers = {"Authorization": f"Bearer {token}"}
            self._headers[person, str(roles)] = time.monotonic(), headers
        return headers

    def _payment_method(self) -> str:
        """A way to pay that waits for ever where there is one, and takes the products' currency."""
        currency = self._products[0].currency
        with self._app.app_context(), reading():
            methods = services.get(PaymentService).methods().values()
        fitting = [m for m in methods if m.currencies is None or currency in m.currencies]
        if not fitting:
            raise Refused(f"No way to pay in {currency} is switched on.")
        return min(fitting, key=lambda method: (method.pending_ttl is not None, method.code)).code

    def _open(self) -> tuple[ColumnElement[bool], ...]:
        return Order.user_id.in_(self._people), Order.status != OrderStatus.CANCELLED

    def _forget(self, person: UUID) -> None:
        for handler in self._nexus.data_subjects.values():
            with self._app.app_context(), transaction():
                handler.erase(person)

    def _retire(self, product: Product) -> None:
        self._done(self.send("DELETE", f"/api/catalog/products/{product.id}/", self._staff), 204)

    def _each(self, step: Callable[[Any], None], things: Iterable[Any]) -> None:
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(step, things))

    @staticmethod
    def _done(answer: Answer, status: int) -> Answer:
        if answer.status != status:
            raise Refused(f"The shop answered {answer}")
        return answer
