"""Background work."""

from nexus_accounts.services.sessions import Families
from nexus_kernel import Periodic, reading, task


@task("accounts.prune_refresh_families")
def prune_refresh_families() -> None:
    """Forget sign-ins whose refresh tokens have expired."""
    with reading() as session:
        Families(session).prune()


PERIODICS = (Periodic(prune_refresh_families, 3600.0),)
