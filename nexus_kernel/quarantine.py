"""Starting with the plugins that can start: strict by default, or without those that have faults."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nexus_kernel.errors import StartupError
from nexus_kernel.manifest import Fault, dependants
from nexus_kernel.plugins import Candidate, Loaded, fault_table

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("nexus.app")


def start_what_can(
    selected: Sequence[Candidate],
    load: Callable[[Sequence[Candidate]], Loaded],
    assemble: Callable[[Loaded, list[Fault]], "Flask"],
    *,
    strict: bool,
) -> "Flask":
    """The application of the plugins without faults.

    Each round leaves out the plugins with faults and those that need them: one start finds every fault.
    Raises StartupError with all of them when `strict`, and when a fault is nobody's to be left out.
    """
    faults, consequences = list[Fault](), list[Fault]()
    while True:
        loaded = load(selected)
        app = assemble(loaded, faults + consequences) if not loaded.faults else None
        if app is not None and not loaded.faults:
            break
        faults += loaded.faults
        consequences += _dragged_along(loaded)
        dropped = {fault.plugin for fault in faults + consequences}
        left = [candidate for candidate in selected if candidate.name not in dropped]
        if len(left) == len(selected):
            raise StartupError(f"The application cannot start:\n{fault_table(loaded.faults)}")
        selected = left
    if faults and strict:
        raise StartupError(f"{len(faults)} fault(s) in the plugins:\n{fault_table(faults)}")
    for fault in faults + consequences:
        log.error("quarantined %s (%s): %s", fault.plugin, fault.step, fault.reason)
    return app


def _dragged_along(loaded: Loaded) -> list[Fault]:
    """A fault for each plugin without one of its own that needs one of those that cannot start."""
    culprits = {
        name: fault.plugin for fault in loaded.faults for name in dependants(loaded.needs, fault.plugin)
    }
    own = {fault.plugin for fault in loaded.faults}
    return [
        Fault(name, "graph", f"needs {culprit}, which cannot start", f"mend {culprit}, or disable {name}")
        for name, culprit in sorted(culprits.items())
        if name not in own
    ]
