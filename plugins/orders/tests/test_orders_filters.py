"""Finding orders: each filter finds what it says, nobody sees more by one, and words are found by indexes."""

import pytest
from nexus_orders.models import Order
from nexus_orders.services import filters
from sqlalchemy import select, text, update

from nexus_kernel import Actor, Money, new_id, reading, transaction
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.testing import StandInAccounts, auth_headers, count_queries

ORDERS = "/api/orders/"


@pytest.fixture
def accounts(app):
    people = StandInAccounts()
    with app.extensions["nexus"].services.override(AccountService, lambda session: people):
        yield people


@pytest.fixture
def found(client, buyer):
    """The numbers that a query finds, in order."""

    def ask(query="", headers=buyer):
        answer = client.get(f"{ORDERS}?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return [row["number"] for row in answer.json["results"]]

    return ask


@pytest.fixture
def write(app):
    """Changes columns of a placed order directly."""

    def change(placed, **columns):
        with app.app_context(), transaction() as session:
            session.execute(update(Order).where(Order.number == placed["number"]).values(columns))

    return change


@pytest.fixture
def three(order, catalog, write, address):
    """Three orders, the oldest first: to Addis Ababa, to Berlin and to Bahir Dar."""
    lamp, soap = (
        catalog.add(title="Brass lamp (small)"),
        catalog.add(Money(100, "ETB"), title="Olive-oil soap"),
    )
    pot = catalog.add(Money(9950, "ETB"), title="ጀበና፣ ትልቅ")
    first = order((lamp, 1)).json
    second = order((soap, 1), shipping_address={**address, "city": "Berlin", "country": "DE"}).json
    third = order((pot, 2), (soap, 3), shipping_address={**address, "city": "ባሕር ዳር"}).json
    for day, placed in enumerate((first, second, third), 1):
        write(placed, placed_at=f"2026-03-0{day}T12:00:00Z")
    write(second, payment_method="bank", payment_status="paid", status="confirmed")
    return [placed["number"] for placed in (first, second, third)]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [2, 1, 0]),
        ("sort=placed_at", [0, 1, 2]),
        ("sort=-placed_at", [2, 1, 0]),
        ("sort=total", [1, 2, 0]),
        ("sort=-total", [0, 2, 1]),
        ("status=confirmed", [1]),
        ("payment_status=paid", [1]),
        ("payment_method=bank", [1]),
        ("payment_method=Bank", []),
        ("country=DE", [1]),
        ("country=ET&sort=placed_at", [0, 2]),
        ("currency=ETB&status=pending", [2, 0]),
        ("currency=EUR", []),
        ("placed_from=2026-03-02", [2, 1]),
        ("placed_to=2026-03-02", [1, 0]),
        ("placed_from=2026-03-02&placed_to=2026-03-02", [1]),
        ("placed_from=2026-03-02T12:00:00Z", [2, 1]),
        ("placed_from=2026-03-02T12:00:01", [2]),
        ("placed_to=2026-03-02T15:00:00%2B03:00", [1, 0]),
        ("placed_to=2026-03-02T14:59:59%2B03:00", [0]),
        ("min_total=202.00", [2, 0]),
        ("max_total=202.00", [2, 1]),
        ("min_total=1&max_total=1.00", [1]),
        ("min_total=202.001", [0]),
        ("max_total=201.999", [1]),
        ("q=", [2, 1, 0]),
        ("q=lamp", [0]),
        ("q=LAMP+brass", [0]),
        ("q=small", [0]),
        ("q=lamp+soap", []),
        ("q=soap", [2, 1]),
        ("q=olive-oil", [2, 1]),
        ("q=oil", [2, 1]),
        ("q=sku-1", [0]),
        ("q=SKU-3", [2]),
        ("q=berlin", [1]),
        ("q=addis+abab", [0]),
        ("q=soap+berlin", [1]),
        ("q=ጀበና", [2]),
        ("q=ባሕር", [2]),
        ("q=ትል+ዳር", [2]),
        ("q=amp", []),
        ("q='", []),
        ("q=%5C", []),
        ("q=%25", []),
        ("q=a:*+%26+!b", []),
    ],
)
@pytest.mark.parametrize("who", ["buyer", "staff"])
@pytest.mark.parametrize("rare", [2_000, 0])
def test_a_filter_finds_what_it_says(request, monkeypatch, found, three, query, places, who, rare):
    monkeypatch.setattr(filters, "RARE", rare)
    assert found(query, request.getfixturevalue(who)) == [three[place] for place in places]


def test_a_number_is_found_exactly_and_by_its_beginning(found, three, staff):
    for number in three:
        assert found(f"number={number.lower()}", staff) == [number]
        assert found(f"number={number[:-1]}", staff) == []
        assert found(f"q={number[:-1].lower()}", staff) == [number]
        assert found(f"q={number[3:9]}", staff) == [number]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("status=lost", "status"),
        ("sort=--total", "sort"),
        ("sort=number", "sort"),
        ("placed_from=yesterday", "placed_from"),
        ("placed_from=2026-13-01", "placed_from"),
        ("placed_from=2026-02-30", "placed_from"),
        ("placed_to=1", "placed_to"),
        ("placed_from=2026-03-02&placed_to=2026-03-01", "placed_to"),
        ("min_total=-1", "min_total"),
        ("min_total=1e3", "min_total"),
        ("min_total=2&max_total=1", "max_total"),
        ("country=XX", "country"),
        ("currency=XXX", "currency"),
        ("q=a+b+c+d+e+f", "q"),
        ("q=%00", "q"),
        (f"q={'x' * 101}", "q"),
        ("user_id=7", "user_id"),
        ("email=", "email"),
        ("payment_method=", "payment_method"),
    ],
)
def test_a_bad_filter_is_refused_and_named(client, staff, query, path):
    refused = client.get(f"{ORDERS}?{query}", headers=staff)
    assert refused.status_code == 422
    assert [error["path"] for error in refused.json["errors"]] == [path]


@pytest.mark.parametrize(
    "query",
    [
        "placed_from=0001-01-01T00:00:00%2B23:59",
        "placed_to=9999-12-31T23:59:59-23:59",
        "placed_to=9999-12-31",
    ],
)
def test_the_ends_of_time_are_times(client, staff, query):
    assert client.get(f"{ORDERS}?{query}", headers=staff).status_code == 200


def test_staff_find_the_orders_of_a_buyer_by_id_and_by_address(app, found, three, staff, accounts, person):
    stranger = accounts.add("stranger@example.com")
    accounts.people[person] = accounts.people[stranger].__class__(
        id=person,
        email="Buyer@example.com",
        first_name="",
        last_name="",
        email_verified=True,
        roles=frozenset(),
    )
    assert found(f"user_id={person}", staff) == three[::-1]
    assert found(f"user_id={stranger}", staff) == []
    assert found("email=buyer@EXAMPLE.com", staff) == three[::-1]
    assert found("email=stranger@example.com", staff) == []
    assert found("email=nobody@example.com", staff) == []
    assert found(f"email=buyer@example.com&user_id={stranger}", staff) == []


def test_without_people_nobody_is_looked_for_by_address(client, staff):
    refused = client.get(f"{ORDERS}?email=buyer@example.com", headers=staff)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "email"


@pytest.mark.parametrize("query", ["user_id={id}", "email=buyer@example.com"])
def test_a_buyer_looks_for_nobody(client, buyer, person, query, accounts):
    for id in (person, new_id()):
        assert client.get(f"{ORDERS}?{query.format(id=id)}", headers=buyer).status_code == 403


@pytest.mark.parametrize(
    "query", ["q=lamp", "country=ET", "min_total=0.01", "sort=total", "q=soap&status=pending"]
)
def test_no_filter_shows_a_strangers_order(app, found, three, query):
    assert found(query, auth_headers(app)) == []


def test_pages_of_every_sort_hold_each_order_once(client, staff, order, catalog):
    cheap, dear = catalog.add(Money(100, "ETB"), available=99), catalog.add(Money(200, "ETB"), available=99)
    made = {order((cheap if number % 2 else dear, 1)).json["id"] for number in range(7)}
    for sort in ("placed_at", "-placed_at", "total", "-total"):
        seen, link = [], f"{ORDERS}?sort={sort}&page_size=2&q=lantern"
        while link:
            page = client.get(link, headers=staff).json
            seen += page["results"]
            assert page["count"] == 7
            link = page["next"]
        assert len(seen) == 7 and {row["id"] for row in seen} == made
        column = sort.removeprefix("-")
        keys = [float(row["total"]) if column == "total" else row["placed_at"] for row in seen]
        assert keys == sorted(keys, reverse=sort.startswith("-"))
    first = client.get(f"{ORDERS}?sort=total&page_size=2", headers=staff).json["next"]
    assert client.get(first.replace("sort=total", "sort=placed_at"), headers=staff).status_code == 422


def test_queries_stay_few_however_much_is_asked(app, client, buyer, staff, three, accounts):
    everything = "status=pending&country=ET&placed_from=2026-01-01&min_total=1&q=lamp+brass&sort=total"
    counted = []
    for query, headers in (
        (everything, buyer),
        (everything, staff),
        (f"{everything}&email=buyer@example.com&user_id={new_id()}", staff),
    ):
        with count_queries(app) as queries:
            client.get(f"{ORDERS}?{query}", headers=headers)
        counted.append(len(queries))
    assert counted == [1, 2, 2], "the people of this test answer without a query"


MANY = """
    INSERT INTO orders_order (id, number, user_id, status, payment_status, payment_method, currency,
        subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor, address_line, city,
        postal_code, country, cart_id, cart_generation, placed_at, updated_at)
    SELECT gen_random_uuid(), 'NX-' || lpad(i::text, 8, '0'), gen_random_uuid(), 'delivered', 'paid', 'card',
        'ETB', i, 0, 0, 0, i, 'Street', CASE WHEN i % 2 = 0 THEN 'Addis Ababa' ELSE 'Adama' END, '1000', 'ET',
        gen_random_uuid(), 1, now() - interval '1 minute' * i, now()
    FROM generate_series(1, 20000) AS i;
    INSERT INTO orders_item (id, order_id, position, variant_id, product_id, sku, title, quantity,
        unit_price_minor, total_minor, currency)
    SELECT gen_random_uuid(), id, 0, gen_random_uuid(), gen_random_uuid(), 'SKU-' || total_minor % 1000,
        'Lantern of brass', 1, total_minor, total_minor, 'ETB' FROM orders_order;
    ANALYZE orders_order; ANALYZE orders_item;
"""


def explained(session, statement) -> str:
    compiled = statement.compile(session.connection(), compile_kwargs={"render_postcompile": True})
    plan = session.connection().exec_driver_sql(f"EXPLAIN {compiled}", compiled.construct_params())
    return "\n".join(plan.scalars())


@pytest.fixture
def plan(app):
    """How PostgreSQL finds the first page of a query of staff."""

    def explain(**args):
        with app.app_context(), reading() as session:
            wanted = filters.Filters(session, Actor(new_id(), frozenset({"staff"}))).conditions(args)
            columns, falling = filters.SORTS[args.get("sort", "-placed_at")]
            order = [column.desc() if falling else column for column in columns]
            return explained(session, select(Order.__table__).where(*wanted).order_by(*order).limit(21))

    return explain


def test_orders_are_found_by_indexes(app, client, staff, plan):
    with app.app_context(), transaction() as session:
        for statement in filter(str.strip, MANY.split(";")):
            session.execute(text(statement))
    with app.app_context(), reading() as session:
        words = explained(session, select(filters._ids(filters._query("sku-17"))))
    assert "ix_orders_order_words" in words and "ix_orders_item_words" in words, words
    for args, index in (
        ({"q": "sku-500"}, "pk_orders_order"),
        ({"q": "lantern"}, "ix_orders_order_all"),
        ({"q": "00012345"}, "pk_orders_order"),
        ({"status": "pending"}, "ix_orders_order_status"),
        ({"payment_status": "needs_review"}, "ix_orders_order_payment_status"),
        ({"sort": "total"}, "ix_orders_order_total"),
        ({}, "ix_orders_order_all"),
    ):
        found = plan(**args)
        assert index in found and "Seq Scan on orders_order" not in found, f"{args}\n{found}"
    page = client.get(f"{ORDERS}?q=sku-17+adama", headers=staff).json
    assert (page["count"], page["count_exact"]) == (120, True)
