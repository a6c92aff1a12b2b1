"""`nexus tour`: a buyer's whole journey against a running shop, over HTTP alone."""

from nexus_kernel.cli.tour.command import tour

__all__ = ["tour"]
