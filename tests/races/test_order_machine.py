"""The life of an order as a state machine: every step in every order, a share of them two at once.

`./dev prove` runs 10,000 sequences; the short form a few of them.
"""

import time

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from nexus_kernel.testing import StandInAccounts, StandInCart, rounds

from .order_world import TOTAL, Gateway, World

GATEWAY = Gateway()

some = st.dictionaries(st.integers(0, 1), st.integers(1, 3), min_size=1, max_size=2)
whether = st.booleans()
STEPS = st.one_of(
    st.tuples(st.just("ask_to_cancel")),
    st.tuples(st.just("withdraw")),
    st.tuples(st.just("decide"), st.sampled_from([True, True, False])),
    st.tuples(
        st.just("move"), st.sampled_from(["confirmed", "processing", "shipped", "delivered", "cancelled"])
    ),
    st.tuples(st.just("ship"), st.none() | some),
    st.tuples(st.just("ship"), some),
    st.tuples(st.just("deliver"), st.integers(1, 3)),
    st.tuples(st.just("deliver"), st.integers(1, 2)),
    st.tuples(st.just("expire")),
    st.tuples(st.just("pay"), st.sampled_from([TOTAL, TOTAL, TOTAL, TOTAL - 1]), whether),
    st.tuples(st.just("pay_again")),
    st.tuples(st.just("give"), st.none() | st.integers(1, TOTAL)),
    st.tuples(st.just("wish_refund"), some),
    st.tuples(st.just("decide_refund"), st.sampled_from([True, True, False])),
    st.tuples(st.just("end_refund"), st.integers(0, 3), st.sampled_from([True, True, False]), whether),
    st.tuples(st.just("end_refund"), st.integers(0, 3), st.just(True), st.just(False)),
    st.tuples(st.just("give_by_itself")),
    st.tuples(st.just("rival"), whether),
)
BEGINNINGS = (
    (),
    (("move", "confirmed"),),
    (("pay", TOTAL, False),),
    (("pay", TOTAL, False), ("ask_to_cancel",)),
    (("pay", TOTAL, False), ("ask_to_cancel",), ("decide", True)),
    (("pay", TOTAL, False), ("ship", {0: 1})),
    (("move", "confirmed"), ("ship", None), ("pay", TOTAL, False)),
    (("pay", TOTAL, False), ("wish_refund", {0: 2}), ("decide_refund", True)),
    (("expire",), ("rival", True)),
)


@pytest.fixture(scope="session")
def nexus_plugins():
    return ["catalog", "orders", StandInAccounts(), StandInCart(), GATEWAY]


@pytest.fixture
def nexus_config():
    """Steps that hold one another for good end as a failure, soon."""
    return {"kernel": {"database_pool_size": 6}}


@pytest.fixture
def world(app):
    world = World(app, GATEWAY)
    yield world
    world.close()


@pytest.mark.proof
def test_whatever_happens_to_an_order_in_whatever_order(app, world, capsys):
    class Life(RuleBasedStateMachine):
        count = 0

        def __init__(self):
            super().__init__()
            Life.count += 1
            world.begin()

        @initialize(steps=st.sampled_from(BEGINNINGS))
        def begins(self, steps):
            for step in steps:
                world.run(step)
            world.check()

        @rule(step=STEPS)
        def happens(self, step):
            world.run(step)
            world.check()

        @rule(first=STEPS, second=STEPS)
        def happen_at_once(self, first, second):
            world.at_once(first, second)
            world.check()

        def teardown(self):
            world.end()

    sequences = rounds(120, 10_000)
    started = time.monotonic()
    with app.app_context():
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=sequences,
                stateful_step_count=8,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert Life.count >= sequences
    with capsys.disabled():
        print(f"\n{Life.count} lives of an order, {Life.count / (time.monotonic() - started):.0f} a second")
