"""Revisions of the tables `orders_*`."""
