"""Which lines of a child's log a developer wants to see at once."""

import re
from pathlib import Path

_ERROR = re.compile(
    r"""\b(ERROR|CRITICAL|FATAL)\b|^Traceback |"level(?:name)?":\s*"(?:error|critical)""", re.IGNORECASE
)
_MOST = 12


class ErrorTail:
    """Follows a growing log and picks the errors, with the traceback that belongs to them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._inside = False

    def read(self) -> list[str]:
        """The error lines that are new since the last call, a dozen at most."""
        found = [line for line in self._new_lines() if self._belongs(line)]
        if len(found) > _MOST:
            found[_MOST:] = [f"... {len(found) - _MOST} more lines in {self._path}"]
        return found

    def _new_lines(self) -> list[str]:
        try:
            size = self._path.stat().st_size
            if size <= self._offset:
                return []
            with open(self._path, "rb") as file:
                file.seek(self._offset)
                data = file.read(min(size - self._offset, 1_000_000))
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode("utf-8", "replace").splitlines()

    def _belongs(self, line: str) -> bool:
        if _ERROR.search(line):
            self._inside = line.startswith("Traceback") or "Traceback" in line
            return True
        if not self._inside:
            return False
        self._inside = line.startswith((" ", "\t")) or not line
        return bool(line)
