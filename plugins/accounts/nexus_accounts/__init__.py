"""People of a Nexus shop: registration, sign-in, roles, profiles."""
