"""The command line `nexus`."""

from nexus_kernel.cli.main import main

__all__ = ["main"]
