"""Tax of a Nexus shop: rates by country and region, in the prices or on top of them."""
