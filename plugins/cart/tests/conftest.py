"""The cart by itself, with a catalog from memory."""

import pytest
from nexus_cart import plugin

from nexus_kernel.testing import StandInCatalog


@pytest.fixture(scope="session")
def stand_in() -> StandInCatalog:
    return StandInCatalog()


@pytest.fixture(scope="session")
def nexus_plugins(stand_in: StandInCatalog):
    return [plugin, stand_in]


@pytest.fixture
def catalog(stand_in: StandInCatalog) -> StandInCatalog:
    stand_in.variants.clear()
    stand_in.held.clear()
    return stand_in
