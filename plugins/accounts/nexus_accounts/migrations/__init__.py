"""Revisions of the accounts tables."""
