"""Carts of a Nexus shop, for guests and for signed-in people."""
