"""For the tests of plugins: real engines, a fresh database a test, and stand-ins for contracts.

The fixtures come with the kernel (`nexus_kernel.testing.fixtures` is a pytest plugin); see that module.
"""

from nexus_kernel.testing.helpers import Queries, auth_headers, count_queries, drain, in_threads, rounds
from nexus_kernel.testing.stand_ins import StandInAccounts, StandInCart, StandInCatalog, StandInPayments

__all__ = [
    "Queries",
    "StandInAccounts",
    "StandInCart",
    "StandInCatalog",
    "StandInPayments",
    "auth_headers",
    "count_queries",
    "drain",
    "in_threads",
    "rounds",
]
