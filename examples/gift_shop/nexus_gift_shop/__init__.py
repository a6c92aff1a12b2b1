"""The catalog of a real gift shop, for trying Nexus out."""
