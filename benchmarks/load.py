"""Load by wrk, Debian's package: eight connections, closed loop."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 8
_LUA = """
local requests, at = {}, 0
for line in io.lines("%s") do
  local method, path, body = line:match("^(%%S+) (%%S+) ?(.*)$")
  local headers = {%s}
  if #body > 0 then headers["Content-Type"] = "application/json" end
  requests[#requests + 1] = wrk.format(method, path, headers, #body > 0 and body or nil)
end
function request()
  at = at %% #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%%d,"us":%%d,"failed":%%d,"p50":%%d,"p99":%%d}', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50),
    latency:percentile(99)))
end
"""


class WrkMissing(Exception):
    """There is nothing to make load with."""


@dataclass(frozen=True)
class Window:
    """What one window of load showed."""

    rate: float
    """Answers a second."""
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True)
class Script:
    """Requests that are sent in turn: (method, path, body) each, all with the same headers."""

    requests: Sequence[tuple[str, str, str]]
    headers: dict[str, str] = field(default_factory=dict)


def measure(address: str, script: Script, seconds: float, connections: int = CONNECTIONS) -> Window:
    """One window. Raises WrkMissing where there is no wrk."""
    with _started(address, script, seconds, connections) as load:
        output, _ = load.communicate(timeout=seconds + 30)
    found = json.loads(output.strip().splitlines()[-1])
    rate = found["requests"] / found["us"] * 1e6
    return Window(rate, found["p50"] / 1000, found["p99"] / 1000, found["failed"])


@contextmanager
def background(address: str, script: Script, seconds: float, connections: int) -> Iterator[None]:
    """Load that goes on beside the block, and ends with it."""
    with _started(address, script, seconds, connections) as load:
        yield
        load.terminate()
        load.wait(10)


@contextmanager
def _started(
    address: str, script: Script, seconds: float, connections: int
) -> Iterator["subprocess.Popen[str]"]:
    if shutil.which("wrk") is None:
        raise WrkMissing("wrk is missing: apt install wrk")
    with tempfile.TemporaryDirectory() as folder:
        lines, lua = Path(folder, "requests"), Path(folder, "script.lua")
        lines.write_text("".join(f"{method} {path} {body}\n" for method, path, body in script.requests))
        headers = ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in script.headers.items())
        lua.write_text(_LUA % (lines, headers))
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s", "-s", str(lua), address]
        yield subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
