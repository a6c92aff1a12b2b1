"""`python -m benchmarks [NAME ...]`: run the named benchmarks, or all, and print their figures as a table."""

import sys
from collections.abc import Callable

from benchmarks import imports, journey, start

BENCHMARKS: dict[str, Callable[[], list[tuple[str, str, str]]]] = {
    "start": start.run,
    "journey": journey.run,
    "import": imports.run,
}


def main() -> int:
    """Exit code 2 for an unknown name."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    for name in names:
        print(f"\n{name}")
        for what, figure, goal in BENCHMARKS[name]():
            print(f"  {what:<58} {figure:>22}   {goal}")
    return 0


sys.exit(main())
