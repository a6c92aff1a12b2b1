"""Whoever keeps something of people can tell them what, and forget it."""

from flask import Flask

from nexus_kernel.naming import owner_of

from ..conftest import SHIPPED

PERSONAL = {
    "user_id",
    "holder_id",
    "owner_id",
    "author_id",
    "reviewer_id",
    "person_id",
    "recipient",
    "email",
    "phone",
}


def test_every_plugin_with_a_column_about_people_exports_and_erases_it(shop: Flask):
    nexus = shop.extensions["nexus"]
    keeping = {
        owner_of(table.name, SHIPPED, "_")
        for table in nexus.db.metadata.tables.values()
        if not table.name.startswith("nexus_") and PERSONAL & set(table.columns.keys())
    }
    assert keeping >= {"accounts", "cart", "notifications", "orders", "payments"}
    assert keeping <= set(nexus.data_subjects), "contribute a handler through nexus_data_subjects"
