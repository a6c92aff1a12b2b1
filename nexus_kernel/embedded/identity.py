"""Who PostgreSQL runs as: it refuses root, whom containers and fresh servers usually offer."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from nexus_kernel.embedded import processes
from nexus_kernel.embedded.engine import EmbeddedError


@dataclass(frozen=True)
class Identity:
    """A command prefix under which a program is not root, and the owner its files need (None: leave them)."""

    prefix: tuple[str, ...] = ()
    owner: tuple[int, int] | None = None

    @classmethod
    def choose(cls) -> Self:
        """The first way that works here. Raises EmbeddedError when there is none.

        An ordinary user needs nothing. Root gets a user namespace in which it bears another number and keeps
        its files; where namespaces are forbidden (most containers), an unprivileged user that owns the data
        and may pass through folders that are closed to it.
        """
        if os.geteuid() != 0:
            return cls()
        account = _unprivileged()
        user, group = str(account.pw_uid), str(account.pw_gid)
        namespace = ("unshare", "--user", f"--map-user={user}", f"--map-group={group}")
        drop = ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups")
        passing = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
        if processes.runs(*namespace, "true"):
            return cls(namespace)
        for prefix in ((*drop, *passing), drop):
            if processes.runs(*prefix, "true"):
                return cls(prefix, (account.pw_uid, account.pw_gid))
        raise EmbeddedError(
            "PostgreSQL refuses to run as root, and this machine has neither `unshare` nor `setpriv` "
            "(util-linux) to run it as somebody else. Use an ordinary user, or set DATABASE_URL to a "
            "server of yours."
        )

    def own(self, folder: Path) -> None:
        """Give `folder` and what it holds to the user that the program will be."""
        if self.owner is None:
            return
        for place, _, files in os.walk(folder):
            os.chown(place, *self.owner)
            for name in files:
                os.chown(os.path.join(place, name), *self.owner, follow_symlinks=False)


def _unprivileged() -> pwd.struct_passwd:
    """An account that exists, because initdb looks its user up."""
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        return next(account for account in pwd.getpwall() if account.pw_uid != 0)
