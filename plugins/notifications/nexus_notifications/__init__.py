"""E-mail and in-app notifications of a Nexus shop."""
