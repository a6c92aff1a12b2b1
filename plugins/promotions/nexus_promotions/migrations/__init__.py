"""Revisions of the tables `promotions_*`."""
