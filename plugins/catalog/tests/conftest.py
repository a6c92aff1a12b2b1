"""The catalog alone, without its neighbours."""

import nexus_catalog.plugin
import pytest


@pytest.fixture(scope="session")
def nexus_plugins():
    return [nexus_catalog.plugin]
