"""The graph of the shipped plugins is what the architecture says, and stays acyclic."""

from flask import Flask

from nexus_kernel.cli.plugins import graph_text

GRAPH = """\
accounts       -> (nothing)
payments_chapa -> (nothing)
tax            -> (nothing)
catalog        -> accounts
notifications  -> accounts
payments       -> accounts
cart           -> catalog
orders         -> accounts, cart, catalog, payments
promotions     -> cart, catalog
shipping       -> cart, catalog
"""


def test_the_graph_is_pinned(shop: Flask):
    assert graph_text(shop.extensions["nexus"]) + "\n" == GRAPH


def test_payments_needs_nothing_that_is_paid_for(shop: Flask):
    assert "orders" not in shop.extensions["nexus"].edges["payments"]
