"""What the platform does: attempts, asking gateways, settling, refunds, and the webhook inbox."""
