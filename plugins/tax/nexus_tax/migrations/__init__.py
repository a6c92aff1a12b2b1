"""Revisions of the tables `tax_*`."""
