"""Coupons of a Nexus shop, with limits that hold."""
