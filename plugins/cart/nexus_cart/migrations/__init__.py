"""Revisions of the tables `cart_*`."""
