"""Orders of a Nexus shop: placing, fulfilment, cancellation."""
