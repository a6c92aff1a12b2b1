"""More buyers than connections: they queue for one, and nobody is turned away for it."""

import pytest
from nexus_orders.races.scenarios import SCENARIOS
from nexus_orders.races.shop import Shop

from nexus_kernel.testing import rounds

BUYERS = 50
POOL = 4


@pytest.fixture
def nexus_config():
    return {"kernel": {"database_pool_size": POOL}}


@pytest.mark.proof
@pytest.mark.parametrize(
    "scenario", [s for s in SCENARIOS if s.name != "reversed-carts"], ids=lambda scenario: scenario.name
)
def test_fifty_buyers_share_four_connections(app, scenario):
    play = scenario.prepare(Shop(app), BUYERS)
    for _ in range(rounds(1, 20)):
        assert play().violations == []
