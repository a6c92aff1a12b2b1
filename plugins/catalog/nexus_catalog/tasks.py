"""Background work: imports that staff sent in. A lost message is no lost import: the sweep finds its row."""

from uuid import UUID

from nexus_catalog.importing import jobs
from nexus_kernel import Periodic, task, transaction


@task("catalog.run_import")
def run_import(import_id: str) -> None:
    """Import what was sent in."""
    jobs.run_import(UUID(import_id))


@task("catalog.sweep_imports")
def sweep_imports() -> None:
    """Send imports to a worker that nobody works on: their message was lost, or their worker was killed."""
    due = jobs.due_imports()
    with transaction():
        for import_id in due:
            run_import.enqueue(str(import_id))


@task("catalog.prune_imports")
def prune_imports() -> None:
    """Forget imports that finished long ago."""
    jobs.prune_imports()


TASKS = (run_import, Periodic(sweep_imports, 15.0), Periodic(prune_imports, 3600.0))
