"""How a value stands in a cell, so that the import reads exactly what the export wrote."""

import re
from collections.abc import Sequence

_PATH = re.compile(r"\\([\\>])|\s*>\s*")
_SEPARATOR = " > "


def path_text(names: Sequence[str]) -> str:
    r"""A category's path as text: `Home > Garden`; a `>` or `\` in a name is written `\>` and `\\`."""
    return _SEPARATOR.join(name.replace("\\", "\\\\").replace(">", "\\>") for name in names)


def path_names(text: str) -> tuple[str, ...]:
    """The names of a path, each without blanks around it; some may be empty."""
    names, begin = [""], 0
    for match in _PATH.finditer(text):
        names[-1] += text[begin : match.start()]
        begin = match.end()
        if match[1]:
            names[-1] += match[1]
        else:
            names.append("")
    names[-1] += text[begin:]
    return tuple(name.strip() for name in names)
