"""Where PostgreSQL's Unix socket lies: its path may have some 100 characters only."""

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path

_LONGEST = 100
_PLAIN = re.compile(r"[\w./@+-]+", re.ASCII)


def socket_folder(data_dir: Path) -> Path:
    """The data folder; a short private one, the same every time, when its path is too long or odd."""
    path = str(data_dir / ".s.PGSQL.5432.lock")
    if len(path) < _LONGEST and _PLAIN.fullmatch(path):
        return data_dir
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"nexus-{os.geteuid()}-{name}"
    if len(str(folder)) > _LONGEST - 20:
        folder = Path("/tmp") / folder.name
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder if _is_private(folder) else Path(tempfile.mkdtemp(prefix="nexus-", dir=folder.parent))


def _is_private(folder: Path) -> bool:
    """Whether nobody else can have put the folder there, or a socket into it."""
    found = folder.lstat()
    owners = {os.geteuid(), 65534} if os.geteuid() == 0 else {os.geteuid()}
    return stat.S_ISDIR(found.st_mode) and found.st_uid in owners and stat.S_IMODE(found.st_mode) == 0o700
