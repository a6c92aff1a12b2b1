"""The bodies and queries of the orders' routes."""
