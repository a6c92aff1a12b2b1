"""The races. Each prepares its products and buyers once, and returns what one round of it does."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from time import sleep
from uuid import UUID, uuid4

from nexus_orders.races.answers import Answer, Round, at_once
from nexus_orders.races.shop import Product, Refused, Shop

Play = Callable[[], Round]
TWICE = ("orders.cart_empty", "orders.already_placed")
IN_PROGRESS = "kernel.idempotency_in_progress"
TRIES = 100
"""How often a client asks again while the first request with its key is still running."""
PLENTY = 1_000_000
WIDE_CART = 20
"""Products in a cart whose order of lines is reversed."""


@dataclass(frozen=True)
class Scenario:
    """A race: its name on the command line, what must hold, and how it is prepared for so many buyers."""

    name: str
    rule: str
    prepare: Callable[[Shop, int], Play]


def last_piece(shop: Shop, buyers: int) -> Play:
    """One piece, many buyers: one order, and everybody else is refused."""
    return _run_on_stock(shop, buyers, stock=1)


def every_piece(shop: Shop, buyers: int) -> Play:
    """As many pieces as buyers: everybody gets one."""
    return _run_on_stock(shop, buyers, stock=buyers)


def reversed_carts(shop: Shop, buyers: int) -> Play:
    """Wide carts, half of them filled from the other end: nobody waits for somebody who waits for them."""
    products = [shop.product(PLENTY) for _ in range(WIDE_CART)]
    people = shop.people(buyers)

    def play() -> Round:
        shop.fill({person: products[:: -1 if n % 2 else 1] for n, person in enumerate(people)})
        found = Round.of(at_once([partial(shop.submit, person) for person in people]), refusals=())
        return _settle(shop, found, products, PLENTY, orders=buyers)

    return play


def hot_pair(shop: Shop, buyers: int) -> Play:
    """Two products that everybody wants, in opposite order, and too few of them: all of them are sold."""
    stock = max(buyers // 2, 1)
    pair, people = [shop.product(stock), shop.product(stock)], shop.people(buyers)

    def play() -> Round:
        shop.fill({person: pair[:: -1 if n % 2 else 1] for n, person in enumerate(people)})
        found = Round.of(at_once([partial(shop.submit, person) for person in people]))
        return _settle(shop, found, pair, stock, orders=stock)

    return play


def double_submit(shop: Shop, buyers: int) -> Play:
    """One cart, submitted many times at once: one order."""
    lamp, (person,) = shop.product(PLENTY), shop.people(1)

    def play() -> Round:
        shop.fill({person: [lamp]})
        found = Round.of(at_once([partial(shop.submit, person)] * buyers), refusals=TWICE)
        return _settle(shop, found, [lamp], PLENTY, orders=1)

    return play


def one_key(shop: Shop, buyers: int) -> Play:
    """One cart, submitted many times at once with one Idempotency-Key: one order, and equal replies."""
    lamp, (person,) = shop.product(PLENTY), shop.people(1)

    def play() -> Round:
        shop.fill({person: [lamp]})
        key = str(uuid4())
        answers = at_once([partial(_until_answered, shop, person, key)] * buyers)
        found = Round.of(answers, refusals=())
        found.expect("different replies", len({answer.data for answer in found.orders}), 1)
        found.expect("buyers with the reply", len(found.orders), buyers)
        found.orders = found.orders[:1]
        return _settle(shop, found, [lamp], PLENTY, orders=1)

    return play


def price_change(shop: Shop, buyers: int) -> Play:
    """The price moves while buyers order: each order is wholly at one price, and at the one it expected."""
    lamp, vase, people = shop.product(PLENTY), shop.product(PLENTY, price="7"), shop.people(buyers)
    totals = {Decimal(price): _total(shop, people[0], [lamp, vase], price) for price in ("100", "120")}
    prices = itertools.cycle(reversed(totals))

    def play() -> Round:
        new = next(prices)
        (old,) = totals.keys() - {new}
        expected = {"expected_total": totals[old]}
        shop.fill({person: [lamp, vase] for person in people})
        calls: list[Callable[[], Answer]] = [
            partial(shop.submit, person, **(expected if n % 2 else {})) for n, person in enumerate(people)
        ]
        moved, *answers = at_once([partial(shop.reprice, lamp, str(new)), *calls])
        found = Round.of(answers, refusals=("orders.total_changed",))
        found.expect("the answer to the change of the price", moved.status, 200)
        for n, answer in enumerate(answers):
            _check_price(found, answer, lamp, totals, old if n % 2 else None)
        shop.fill({people[0]: [lamp, vase]})
        late = shop.submit(people[0], **expected)
        found.expect("the old total, expected after the change", late.code, "orders.total_changed")
        return _settle(shop, found, [lamp, vase], PLENTY, orders=len(found.orders))

    return play


def _run_on_stock(shop: Shop, buyers: int, stock: int) -> Play:
    lamp, people = shop.product(stock), shop.people(buyers)

    def play() -> Round:
        shop.fill({person: [lamp] for person in people})
        found = Round.of(at_once([partial(shop.submit, person) for person in people]))
        for answer in found.refused:
            (line,) = answer.body["lines"]
            found.expect("what a loser was told is left", line["available"], 0)
        return _settle(shop, found, [lamp], stock, orders=stock)

    return play


def _settle(shop: Shop, found: Round, products: list[Product], stock: int, *, orders: int) -> Round:
    """Compare what the buyers were told with the books and the stock; then give the stock back."""
    placed = shop.orders()
    found.expect("orders that buyers were told of", len(found.orders), orders)
    found.expect("orders in the books", {str(id) for id in placed}, found.order_ids)
    found.expect("orders whose lines do not sum", shop.unsound(), [])
    left = [stock - len(placed)] * len(products)
    found.expect("pieces left", shop.available(products), left)
    try:
        shop.cancel(placed.items())
    except Refused as refused:
        found.violations.append(f"an order could not be cancelled: {refused}")
    found.expect("pieces after the orders were cancelled", shop.available(products), [stock] * len(products))
    return found


def _until_answered(shop: Shop, person: UUID, key: str) -> Answer:
    """As a client does: again after a moment while the first request is still running."""
    for _ in range(TRIES):
        answer = shop.submit(person, key)
        if answer.code != IN_PROGRESS:
            break
        sleep(0.05)
    return answer


def _total(shop: Shop, person: UUID, products: list[Product], price: str) -> str:
    """What this cart comes to at this price, whatever the shop's rules add."""
    if shop.reprice(products[0], price).status != 200:
        raise Refused(f"The price cannot be {price}.")
    shop.fill({person: products})
    answer = shop.submit(person)
    if answer.status != 201:
        raise Refused(f"The shop answered {answer}")
    shop.cancel(shop.orders().items())
    return str(answer.body["total"])


def _check_price(
    found: Round, answer: Answer, product: Product, totals: dict[Decimal, str], expected: Decimal | None
) -> None:
    if answer.status == 201:
        lines = {item["variant_id"]: Decimal(item["unit_price"]) for item in answer.body["items"]}
        price = lines[str(product.variant_id)]
        found.expect("the total of an order at this price", answer.body["total"], totals.get(price))
        if expected is not None:
            found.expect("the price of an order with an expected total", price, expected)
    elif answer.code == "orders.total_changed":
        found.expect("a refusal of the total without an expected one", expected is None, False)
        found.expect("the total that a buyer was told", answer.body["total"] in totals.values(), True)


SCENARIOS = (
    Scenario("last-piece", "one piece, one order", last_piece),
    Scenario("every-piece", "as many pieces as buyers: none is left, nobody is refused", every_piece),
    Scenario("reversed-carts", "twenty products from both ends: no error", reversed_carts),
    Scenario("hot-pair", "two products in opposite order, too few: all are sold", hot_pair),
    Scenario("double-submit", "one cart many times: one order", double_submit),
    Scenario("one-key", "one Idempotency-Key many times: one order, equal replies", one_key),
    Scenario("price-change", "an order is wholly at one price, and at the expected one", price_change),
)
