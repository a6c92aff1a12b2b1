"""Carts that were left alone: told once, and a guest's deleted in the end."""

from datetime import timedelta

import pytest
from nexus_cart.models import Cart
from nexus_cart.services import sweep as sweeping
from sqlalchemy import func, select, text, update

from nexus_kernel import Manifest, Subscription, hookimpl, migrations, new_id, services, transaction
from nexus_kernel.contracts.cart import CartAbandoned, CartLine, CartService
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads, rounds

CART, ITEMS, TOKEN = "/api/cart/cart/", "/api/cart/cart/items/", "X-Cart-Token"
DAY = timedelta(days=1)


class Listener:
    """Hears of abandoned carts."""

    MANIFEST = Manifest(name="ears", summary="Hears of abandoned carts")

    def __init__(self) -> None:
        self.heard: list[CartAbandoned] = []

    @hookimpl
    def nexus_subscriptions(self):
        return [Subscription(CartAbandoned, lambda event, _: self.heard.append(event), "ears.hear")]


@pytest.fixture(scope="session")
def ears():
    return Listener()


@pytest.fixture(scope="session")
def nexus_plugins(nexus_plugins, ears):
    return [*nexus_plugins, ears]


@pytest.fixture
def heard(ears):
    ears.heard.clear()
    return ears.heard


@pytest.fixture
def leave(app):
    """Lets time pass for every cart."""

    def _leave(by=2 * DAY):
        with app.extensions["nexus"].db.transaction() as session:
            session.execute(update(Cart).values(updated_at=Cart.updated_at - by, look_at=Cart.look_at - by))

    return _leave


@pytest.fixture
def sweep(app):
    """Runs the sweep, and the deliveries after it."""

    def _sweep():
        with app.app_context():
            found = sweeping.sweep()
        drain(app)
        return found

    return _sweep


def carts(app) -> int:
    with app.extensions["nexus"].db.reading() as session:
        return session.scalar(select(func.count()).select_from(Cart))


def test_an_abandoned_cart_is_told_once(app, put, heard, leave, sweep, catalog):
    person, first, second = new_id(), catalog.add(), catalog.add()
    buyer = auth_headers(app, person_id=person)
    put(buyer, first, 2)
    put(buyer, second)
    assert sweep() == (0, 0) and heard == []
    leave()
    assert sweep() == (1, 0)
    (event,) = heard
    assert (event.name, event.user_id) == ("cart.abandoned", person)
    assert event.lines == (
        CartLine(variant_id=first.id, quantity=2),
        CartLine(variant_id=second.id, quantity=1),
    )
    leave()
    assert sweep() == (0, 0) and len(heard) == 1


@pytest.mark.parametrize("act", ["add", "change", "remove", "merge"])
def test_a_later_change_arms_it_again(app, client, buyer, put, guest, heard, leave, sweep, catalog, act):
    variant = catalog.add()
    put(buyer, catalog.add())
    line = put(buyer, variant).json["id"]
    leave()
    assert sweep() == (1, 0)
    if act == "add":
        put(buyer, variant)
    elif act == "change":
        client.patch(f"{ITEMS}{line}/", json={"quantity": 3}, headers=buyer)
    elif act == "remove":
        client.delete(f"{ITEMS}{line}/", headers=buyer)
    else:
        token = guest((variant, 1))[TOKEN]
        assert client.post("/api/cart/cart/merge/", json={"token": token}, headers=buyer).status_code == 200
    assert sweep() == (0, 0)
    leave()
    assert sweep() == (1, 0) and len(heard) == 2 and heard[0].cart_id == heard[1].cart_id


def test_a_look_is_no_change_and_a_change_puts_the_word_off(client, buyer, put, heard, leave, sweep, catalog):
    variant = catalog.add()
    put(buyer, variant)
    leave(DAY * 0.9)
    put(buyer, variant)
    leave(DAY * 0.9)
    assert sweep() == (0, 0), "it was touched 22 hours ago"
    client.get(CART, headers=buyer)
    leave(DAY * 0.2)
    assert sweep() == (1, 0)


def test_an_empty_cart_is_not_abandoned(app, client, buyer, put, heard, leave, sweep, catalog):
    person = new_id()
    client.get(CART, headers=auth_headers(app))
    put(buyer, catalog.add())
    client.delete("/api/cart/cart/clear/", headers=buyer)
    put(auth_headers(app, person_id=person), catalog.add())
    with app.app_context(), transaction():
        ordered = services.get(CartService).lock(person)
        services.get(CartService).empty(ordered.id, ordered.generation)
    leave(40 * DAY)
    assert sweep() == (0, 0) and heard == [] and carts(app) == 3


def test_a_guests_cart_is_told_without_a_person_and_deleted_in_the_end(
    app, client, guest, put, heard, leave, sweep, catalog
):
    variant = catalog.add()
    stayed_away, came_back = guest((variant, 1)), guest((variant, 1))
    leave(2 * DAY)
    assert sweep() == (2, 0) and {event.user_id for event in heard} == {None}
    leave(27 * DAY)
    assert sweep() == (0, 0)
    put(came_back, variant)
    leave(2 * DAY)
    assert sweep() == (1, 1)
    gone = client.get(CART, headers=stayed_away)
    assert (gone.status_code, gone.json["code"]) == (404, "cart.token_unknown")
    assert put(stayed_away, variant).json["code"] == "cart.token_unknown"
    assert client.get(CART, headers=came_back).json["items"][0]["quantity"] == 2
    assert carts(app) == 1


def test_an_emptied_guests_cart_is_deleted_too(app, client, guest, leave, sweep, catalog):
    headers = guest((catalog.add(), 1))
    client.delete("/api/cart/cart/clear/", headers=headers)
    leave(31 * DAY)
    assert sweep() == (0, 1) and carts(app) == 0


def test_a_sweep_goes_in_batches_of_a_fixed_number_of_statements(
    app, buyer, put, guest, heard, leave, sweep, catalog, monkeypatch
):
    monkeypatch.setattr(sweeping, "BATCH", 3)
    variant = catalog.add(available=99)
    for _ in range(7):
        put(auth_headers(app), variant)
    leave()
    with app.app_context(), count_queries(app) as queries:
        assert sweeping.sweep(most=1) == (3, 0)
    assert len(queries) <= 7, "BEGIN, three, two of the outbox, COMMIT: " + str(queries)
    assert sweep() == (4, 0) and len(heard) == 7


def test_several_sweeps_at_once_tell_and_delete_once(app, put, guest, heard, leave, catalog, monkeypatch):
    monkeypatch.setattr(sweeping, "BATCH", 5)
    variant = catalog.add(available=99)
    for _ in range(12):
        put(auth_headers(app), variant)
    leave()
    for _ in range(6):
        guest((variant, 1))
    with app.extensions["nexus"].db.transaction() as session:
        old = {"updated_at": Cart.updated_at - 31 * DAY, "look_at": Cart.look_at - 31 * DAY}
        session.execute(update(Cart).where(Cart.is_guest).values(**old))

    def run() -> tuple[int, int]:
        with app.app_context():
            return sweeping.sweep()

    found = in_threads([run] * 4)
    found.append(run())
    drain(app)
    assert [sum(numbers) for numbers in zip(*found, strict=True)] == [12, 6]
    assert len({event.cart_id for event in heard}) == len(heard) == 12 == carts(app)


def test_a_cart_that_somebody_holds_is_passed_over(app, put, heard, leave, sweep, catalog):
    person = new_id()
    put(auth_headers(app, person_id=person), catalog.add())
    leave()
    with app.app_context(), transaction():
        services.get(CartService).lock(person)
        assert in_threads([sweep]) == [(0, 0)]
    assert sweep() == (1, 0)


@pytest.mark.proof
def test_a_guest_who_acts_while_the_cart_expires_has_it_or_hears_that_it_is_gone(
    app, client, guest, put, leave, catalog
):
    def run() -> tuple[int, int]:
        with app.app_context():
            return sweeping.sweep()

    for _ in range(rounds(10, 80)):
        variant = catalog.add()
        headers = guest((variant, 1))
        leave(31 * DAY)
        added, (_, deleted) = in_threads([lambda h=headers, v=variant: put(h, v).status_code, run])
        seen = client.get(CART, headers=headers)
        assert (added, deleted, seen.status_code) in ((201, 0, 200), (404, 1, 404))
        client.delete("/api/cart/cart/clear/", headers=headers)
        with app.extensions["nexus"].db.transaction() as session:
            session.execute(text("DELETE FROM cart_cart"))


def test_the_sweep_reads_its_index(app, catalog):
    with app.extensions["nexus"].db.transaction() as session:
        session.execute(
            text(
                "INSERT INTO cart_cart (id, holder_id, look_at) SELECT gen_random_uuid(), gen_random_uuid(),"
                " CASE WHEN n % 3 = 0 THEN now() + n * interval '1 minute' END"
                " FROM generate_series(1, 3000) n"
            )
        )
        session.execute(text("ANALYZE cart_cart"))
        explain = text(f"EXPLAIN {sweeping._DUE.element.text}")
        plan = "\n".join(session.execute(explain, {"most": 200}).scalars())
    assert "Index Scan using ix_cart_cart_look_at" in plan, plan


def updates(app) -> tuple[int, int]:
    """Rows of carts that were written again, and those of them that wrote no index (heap-only tuples)."""
    counts = text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'cart_cart'")
    with app.extensions["nexus"].db.reading() as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
        return session.execute(counts).one()


def test_a_change_writes_no_index_of_the_cart(app, client, buyer, put, catalog):
    variant = catalog.add(available=99)
    line, before = put(buyer, variant).json["id"], updates(app)
    for quantity in range(2, 7):
        put(buyer, variant)
        client.patch(f"{ITEMS}{line}/", json={"quantity": quantity}, headers=buyer)
    after = updates(app)
    assert [now - then for now, then in zip(after, before, strict=True)] == [10, 10]


def test_the_migration_goes_back_and_forth(app, buyer, put, guest, client, catalog):
    put(buyer, catalog.add())
    guest((catalog.add(), 1))
    migrations.downgrade(app, "cart", "cart_0001")
    migrations.upgrade(app)
    assert migrations.check(app) == [] and carts(app) == 1
    assert client.get(CART, headers=buyer).json["items"][0]["quantity"] == 1
