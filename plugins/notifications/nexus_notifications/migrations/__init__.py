"""Revisions of the tables `notifications_*`."""
