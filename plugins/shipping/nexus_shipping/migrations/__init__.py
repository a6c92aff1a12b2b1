"""Revisions of the tables `shipping_*`."""
