"""A mail server for development: it accepts every message, delivers none, and shows them in a browser."""
