"""Revisions of the tables `gift_wrap_*`."""
