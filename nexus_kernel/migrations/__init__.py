"""Migrations: one branch and one version table a plugin, one shared environment.

With a version table each, a plugin can be installed, upgraded, downgraded and removed without the others.
"""

from nexus_kernel.migrations.commands import (
    Branch,
    branches,
    check,
    downgrade,
    revision,
    row_counts,
    status,
    upgrade,
)

__all__ = ["Branch", "branches", "check", "downgrade", "revision", "row_counts", "status", "upgrade"]
