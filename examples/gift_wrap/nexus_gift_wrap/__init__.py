"""Gift wrapping, as a plugin of somebody else would add it."""
