"""How long the shop takes to start: imports, `create_app`, and the first 200 under granian."""

import json
import statistics
import subprocess
import sys

from benchmarks.shop import engines, serving

RUNS = 7
PROBE = """
import json, time
begin = time.perf_counter()
from nexus_kernel import create_app
from importlib.metadata import entry_points
for point in entry_points(group="nexus.plugins"):
    point.load()
imported = time.perf_counter()
config = {"kernel": {"environment": "test", "log_level": "WARNING"}}
times = []
for _ in range(15):
    start = time.perf_counter()
    create_app(config)
    times.append(time.perf_counter() - start)
print(json.dumps({"imports": imported - begin, "first": times[0], "later": sorted(times)[len(times) // 2]}))
"""


def run() -> list[tuple[str, str, str]]:
    """Medians of several processes."""
    probes = [json.loads(subprocess.check_output([sys.executable, "-c", PROBE])) for _ in range(RUNS)]
    with engines() as environ:
        firsts = []
        for _ in range(RUNS):
            with serving(environ) as (_, seconds, _):
                firsts.append(seconds)
    return [
        ("imports of the kernel and every plugin", _ms(p["imports"] for p in probes), ""),
        ("create_app, first call, with the imports inside of hooks", _ms(p["first"] for p in probes), ""),
        ("create_app beyond imports (later calls)", _ms(p["later"] for p in probes), "<= 50 ms"),
        ("first 200 (product list) after the engines are up", _ms(firsts), "<= 900 ms"),
    ]


def _ms(seconds: object) -> str:
    values = sorted(float(value) * 1000 for value in seconds)  # type: ignore[attr-defined]
    return f"{statistics.median(values):.0f} ms ({values[0]:.0f}-{values[-1]:.0f})"
