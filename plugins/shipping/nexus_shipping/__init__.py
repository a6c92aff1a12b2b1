"""Shipping of a Nexus shop: methods with prices by place, weight and value of the order."""
