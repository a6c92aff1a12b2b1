"""Categories, products, variants, stock and search of a Nexus shop."""
