"""The way to an order: cart writes (S5), whole flows and placing alone (S6), and placing contended (S6c).

Windows are interleaved and a figure is the median of its windows. Every client is a person of their own,
who sends a request after the answer to the one before.
"""

import csv
import json
import statistics
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.limit import placing_limit
from benchmarks.load import CONNECTIONS, Flow, Window, measure_flows
from benchmarks.routes import ROUNDS, SECONDS, SERVERS
from benchmarks.shop import engines, nexus, serving_by

CROWD = 16
"""Buyers of the runs that sell everything."""
RUNS = 20
PIECES = 60
"""What is there to sell in one of them."""
LINES = 50
PRODUCTS = 100
PASSWORD = "a-long-password-7"
CART, ORDERS = "/api/cart/cart/", "/api/orders/"
ADDRESS = {"address_line": "Bole Road 7", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}
HELLO = [Flow("-", [("GET", "/", "")])] * CONNECTIONS
Row = tuple[str, str, str]

_REFILL = """
CREATE TABLE bench_line AS SELECT * FROM cart_item WHERE false;
CREATE FUNCTION bench_refill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO cart_item (id, {columns})
    SELECT uuidv7(), {columns} FROM bench_line line WHERE line.cart_id = NEW.id ORDER BY line.id;
    RETURN NULL;
END $$;
CREATE TRIGGER bench_refill AFTER UPDATE OF generation ON cart_cart
FOR EACH ROW EXECUTE FUNCTION bench_refill();
"""
"""A cart that was ordered is full again, so that placing can be measured alone."""


@dataclass
class Person:
    """A buyer with an account."""

    token: str

    def send(self, method: str, url: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of an answer."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")


class Market:
    """A shop of products that never run out, with buyers, behind one server."""

    def __init__(self, address: str, database: str, people: Sequence[Person]) -> None:
        self.address, self.database, self.people = address, database, people
        self.clients = people[:CONNECTIONS]
        self.db = psycopg.connect(database, autocommit=True)
        self.variants = [str(row[0]) for row in self.db.execute("SELECT id FROM catalog_variant ORDER BY id")]
        with urllib.request.urlopen(f"{address}/api/payments/providers/") as answer:
            method = json.load(answer)["results"][0]["code"]
        self.order = json.dumps({"shipping_address": ADDRESS, "payment_method": method})

    def carts(self, wanted: Callable[[int], Sequence[str]], *, refill: bool = False) -> None:
        """Give the buyer of each number these variants; with `refill` again after each order."""
        self.db.execute("TRUNCATE bench_line")
        for number, person in enumerate(self.people):
            assert person.send("DELETE", f"{self.address}{CART}clear/")[0] == 204
            for variant in wanted(number):
                status, body = person.send("POST", f"{self.address}{CART}items/", {"variant_id": variant})
                assert status == 201, body
        if refill:
            self.db.execute("INSERT INTO bench_line SELECT * FROM cart_item")

    def own(self, number: int, count: int) -> list[str]:
        """Variants that no other buyer has."""
        return self.variants[number * count : (number + 1) * count]

    def window(self, steps: Callable[[int], Sequence[tuple[str, str, str]]]) -> Window:
        """One window of eight clients."""
        flows = [Flow(person.token, steps(number)) for number, person in enumerate(self.clients)]
        return measure_flows(self.address, flows, SECONDS)

    def add(self, variant: str) -> tuple[str, str, str]:
        """The request that adds one piece."""
        return "POST", f"{CART}items/", json.dumps({"variant_id": variant}, separators=(",", ":"))

    def placing(self, number: int = 0) -> list[tuple[str, str, str]]:
        """The request that orders the cart."""
        return [("POST", ORDERS, self.order)]


def run(wanted: str) -> list[Row]:
    """The rows of S5, S6 or S6c, on every server there is."""
    rows: list[Row] = []
    with engines() as environ:
        environ["NEXUS_KERNEL__ACCESS_TOKEN_MINUTES"] = "1440"
        _fill(environ)
        people: list[Person] = []
        for server in SERVERS:
            if find_spec(server) is None:
                rows.append((f"{server} is missing: pip install 'nexus-kernel[bench]'", "", ""))
                continue
            with serving_by(server, "on", environ) as shop, serving_by(server, "hello", environ) as hello:
                people = people or _sign_up(shop)
                market = Market(shop, environ["DATABASE_URL"].replace("+psycopg", ""), people)
                with market.db:
                    found = {"S5": _s5, "S6": _s6, "S6c": _s6c}[wanted](market, hello)
                rows += [(f"{server}: {what}", figure, goal) for what, figure, goal in found]
    return rows


def _s5(market: Market, hello: str) -> list[Row]:
    """Adding, to a cart of one line and to one of fifty."""
    found: dict[str, list[Window]] = {}

    def steps(number: int) -> list[tuple[str, str, str]]:
        return [market.add(variant) for variant in lines(number)] * (500 // len(lines(number)))

    for _ in range(ROUNDS):
        found.setdefault("H", []).append(measure_flows(hello, HELLO, SECONDS))
        for count in (1, LINES):
            lines = _first(market, count)
            market.carts(lines)
            end = [("DELETE", f"{CART}clear/", "")] if count == 1 else []  # a line holds 999 pieces
            found.setdefault(f"add to a cart of {count}", []).append(
                market.window(lambda number, end=end: steps(number) + end)  # type: ignore[misc]
            )
    h = _rate(found["H"])
    rows = [("bare Flask", f"{h:,.0f}/s", "")]
    for what, windows in list(found.items())[1:]:
        p95 = statistics.median(window.p95_ms for window in windows)
        figure = f"{_rate(windows):,.0f}/s {_rate(windows) / h:.2f} H, p95 {p95:.1f} ms{_failed(windows)}"
        rows.append((what, figure, ">= 0.20 H on gunicorn, p95 <= 50 ms"))
    return rows


def _s6(market: Market, hello: str) -> list[Row]:
    """Whole flows; placing alone; and pgbench with what a placing writes."""
    found: dict[str, list[Window]] = {}
    limits: list[float] = []

    def three(number: int) -> list[str]:
        return market.own(number, 3)

    def flow(number: int) -> list[tuple[str, str, str]]:
        return [*map(market.add, three(number)), *market.placing()]

    for _ in range(ROUNDS):
        market.carts(lambda number: ())
        found.setdefault("flow", []).append(market.window(flow))
        market.carts(three, refill=True)
        found.setdefault("placing", []).append(market.window(market.placing))
        orders = [person.send("POST", f"{market.address}{ORDERS}", json.loads(market.order))[1]["id"]
                  for person in market.clients]  # fmt: skip
        limits.append(placing_limit(market.database, orders, SECONDS))
    flows, placing, limit = _rate(found["flow"]) / 4, _rate(found["placing"]), statistics.median(limits)
    p95 = statistics.median(window.p95_ms for window in found["placing"])
    return [
        ("three adds and an order", f"{flows:,.0f} orders/s{_failed(found['flow'])}", ""),
        ("placing alone", f"{placing:,.0f}/s, p95 {p95:.1f} ms{_failed(found['placing'])}", ""),
        ("pgbench, what a placing writes", f"{limit:,.0f}/s", ""),
        ("placing against pgbench", f"{placing / limit:.2f}", ">= 0.20"),
    ]


def _s6c(market: Market, hello: str) -> list[Row]:
    """One product that everybody wants, then two in opposite order: what is sold, and how fast."""
    rows: list[Row] = []
    for count, what in ((1, "one product"), (2, "two in opposite order")):
        hot = market.variants[-count:]

        def wanted(number: int, hot: list[str] = hot) -> Sequence[str]:
            return hot[:: -1 if number % 2 else 1]

        rates: dict[bool, list[Window]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for contended in (False, True):
                own = wanted if contended else lambda number, count=count: market.own(number, count)  # type: ignore[misc]
                market.carts(own, refill=True)
                rates[contended].append(market.window(market.placing))
        market.carts(wanted, refill=True)
        exact = Counter(_sell_out(market, hot) for _ in range(RUNS))
        market.db.execute("UPDATE catalog_stock SET on_hand = reserved + 1000000")
        wrong = "".join(f"; {n} times {said}" for said, n in exact.items() if said)
        rows.append((f"{what}: runs that sold what was there", f"{exact['']} of {RUNS}{wrong}", "all"))
        ratio = _rate(rates[True]) / _rate(rates[False])
        figure = f"{_rate(rates[True]):,.0f}/s, {ratio:.2f} of uncontended{_failed(rates[True])}"
        rows.append((f"{what}: placing", figure, ">= 0.60"))
    return rows


def _sell_out(market: Market, hot: list[str]) -> str:
    """Everybody orders until they are refused. What went wrong; empty when nothing did."""
    market.db.execute(
        "UPDATE catalog_stock SET on_hand = reserved + %s WHERE variant_id = ANY(%s::uuid[])", [PIECES, hot]
    )
    body = json.loads(market.order)

    def order(person: Person) -> Counter[str]:
        said: Counter[str] = Counter()
        while True:
            status, answer = person.send("POST", f"{market.address}{ORDERS}", body)
            said["" if status == 201 else f"{status} {answer.get('code')}"] += 1
            if status != 201:
                return said

    with ThreadPoolExecutor(CROWD) as pool:
        said = sum(pool.map(order, market.people), Counter[str]())
    left = market.db.execute(
        "SELECT array_agg(on_hand - reserved) FROM catalog_stock WHERE variant_id = ANY(%s::uuid[])", [hot]
    ).fetchone()
    assert left is not None
    sold, refusals = said.pop("", 0), set(said)
    right = sold == PIECES and left[0] == [0] * len(hot) and refusals == {"409 orders.out_of_stock"}
    return "" if right else f"{sold} sold, {left[0]} left, {sorted(refusals)}"


def _first(market: Market, count: int) -> Callable[[int], Sequence[str]]:
    return lambda number: market.variants[:count]


def _rate(windows: Sequence[Window]) -> float:
    return statistics.median(window.rate for window in windows)


def _failed(windows: Sequence[Window]) -> str:
    failed = sum(window.failed for window in windows)
    return f", {failed} FAILED" if failed else ""


def _fill(environ: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "products.csv")
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["sku", "title", "description", "category", "price", "stock"])
            writer.writerows([f"B{n}", f"Lamp {n}", "", "Lamps", "12.50", 1_000_000] for n in range(PRODUCTS))
        nexus(dict(environ), "catalog", "import", str(path))
    with psycopg.connect(environ["DATABASE_URL"].replace("+psycopg", ""), autocommit=True) as connection:
        columns = connection.execute(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = 'cart_item' AND column_name <> 'id'"
        ).fetchone()
        assert columns is not None
        connection.execute(_REFILL.format(columns=columns[0]))  # type: ignore[arg-type]


def _sign_up(address: str) -> list[Person]:
    nobody, people = Person(""), []
    for number in range(CROWD):
        login = {"email": f"bench{number}@example.com", "password": PASSWORD}
        status, body = nobody.send("POST", f"{address}/api/auth/users/", {**login, "re_password": PASSWORD})
        assert status == 201, body
        people.append(Person(nobody.send("POST", f"{address}/api/auth/jwt/create/", login)[1]["access"]))
    return people
