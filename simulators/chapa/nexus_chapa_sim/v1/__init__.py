"""The v1 dialect of the gateway's API."""
