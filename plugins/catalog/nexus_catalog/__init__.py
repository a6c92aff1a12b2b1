"""Categories, products, variants, stock, reviews and search of a Nexus shop."""
