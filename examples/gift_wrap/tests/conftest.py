"""The whole way of an order: real catalog, cart and orders, with this plugin beside them."""

import pytest

from nexus_kernel.testing import StandInAccounts, StandInPayments


@pytest.fixture(scope="session")
def nexus_plugins():
    return ["catalog", "cart", "orders", "gift_wrap", StandInAccounts(), StandInPayments()]
