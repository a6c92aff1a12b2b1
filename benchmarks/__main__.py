"""`python -m benchmarks [NAME ...]`: run the named benchmarks, or all, and print their figures as a table."""

import sys
from collections.abc import Callable
from functools import partial

from benchmarks import cpu, imports, journey, routes, sale, scale, start
from benchmarks.load import WrkMissing

BENCHMARKS: dict[str, Callable[[], list[tuple[str, str, str]]]] = {
    "start": start.run,
    "cpu": cpu.run,
    "journey": journey.run,
    "scale": scale.run,
    **{name: partial(routes.run, name) for name in ("S1", "S1e", "S2", "S3", "S4", "S7")},
    **{name: partial(sale.run, name) for name in ("S5", "S6", "S6c")},
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
        try:
            rows = BENCHMARKS[name]()
        except WrkMissing as missing:
            rows = [(f"not measured: {missing}", "", "")]
        for what, figure, goal in rows:
            print(f"  {what:<58} {figure:>34}   {goal}")
    return 0


sys.exit(main())
