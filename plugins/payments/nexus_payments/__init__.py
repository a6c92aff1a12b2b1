"""Payments of a Nexus shop: attempts, refunds, webhooks and the platform for gateways."""
