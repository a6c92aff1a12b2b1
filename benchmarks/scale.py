"""What size costs: the reads of the catalog over 2,000 and 100,000 products, and ten reviews of each.

`database` is the sum of what PostgreSQL says its statements take, `HTTP` the median of one client that asks
one worker with one thread. Nothing comes out of a cache.
"""

import statistics
import time
import urllib.request

from benchmarks.generate import Size, generate
from benchmarks.plans import Reader, make_app
from benchmarks.shop import engines, serving

SIZES = (Size(2_000, 20_000), Size(100_000, 1_000_000))
RUNS = 60
SCALED = (
    "first-page",
    "cursor",
    "page-numbered-middle",
    "page-numbered-last",
    "by-price",
    "category",
    "search-selective",
    "search-in-category",
    "search-typing-error",
    "search-common",
    "detail",
    "facets",
    "suggestions",
    "reviews",
)
Figures = dict[str, tuple[float, float]]


def run() -> list[tuple[str, str, str]]:
    """A row a read: database and HTTP milliseconds at both sizes, and their ratios; then what made them."""
    rows: list[tuple[str, str, str]] = []
    found: list[Figures] = []
    for size in SIZES:
        with engines() as environ:
            took = generate(environ["DATABASE_URL"], size)
            made = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in took.items())
            rows.append((f"make {size.products:,} products, {size.reviews:,} reviews", made, ""))
            found.append(_measure(environ))
    small, large = found
    for name, (database, http) in large.items():
        few_database, few_http = small[name]
        figure = f"{few_database:.2f} -> {database:.2f} ms, {few_http:.1f} -> {http:.1f} ms"
        ratio = f"HTTP x {http / few_http:.2f} (<= 2)"
        rows.append((f"{name}: database, HTTP", figure, ratio))
    return rows


def _measure(environ: dict[str, str]) -> Figures:
    reader = Reader(make_app(environ))
    paths = {name: path for name, path in reader.paths().items() if name in SCALED}
    database = {
        name: sum(reader.milliseconds(statement) for statement in reader.statements(path))
        for name, path in paths.items()
    }
    with serving({**environ, "NEXUS_KERNEL__CACHE": "off"}) as (address, _, _):
        return {name: (database[name], _median(address + path)) for name, path in paths.items()}


def _median(url: str) -> float:
    times = []
    for _ in range(RUNS + 10):
        start = time.perf_counter()
        with urllib.request.urlopen(url, timeout=10) as response:
            response.read()
        times.append(time.perf_counter() - start)
    return statistics.median(times[10:]) * 1000
