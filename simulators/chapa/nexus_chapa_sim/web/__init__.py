"""HTTP in front of a simulator: checkout page, control API, control page, server."""
