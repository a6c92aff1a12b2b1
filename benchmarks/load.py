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
local requests, at, flows = {}, 0, 0
function setup(thread)
  flows = flows + 1
  thread:set("flow", flows)
end
function init()
  for line in io.lines("%s." .. flow) do
    local method, path, token, body = line:match("^(%%S+) (%%S+) (%%S+) ?(.*)$")
    local headers = {%s}
    if #body > 0 then headers["Content-Type"] = "application/json" end
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    requests[#requests + 1] = wrk.format(method, path, headers, #body > 0 and body or nil)
  end
end
function request()
  at = at %% #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%%d,"us":%%d,"failed":%%d,"p50":%%d,"p95":%%d,"p99":%%d}',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(95), latency:percentile(99)))
end
"""

Request = tuple[str, str, str]
"""Method, path and body."""


class WrkMissing(Exception):
    """There is nothing to make load with."""


@dataclass(frozen=True)
class Window:
    """What one window of load showed."""

    rate: float
    """Answers a second."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True)
class Script:
    """Requests that are sent in turn over all connections, all with the same headers."""

    requests: Sequence[Request]
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Flow:
    """What one client does again and again, each step after the answer to the one before."""

    token: str
    requests: Sequence[Request]


def measure(address: str, script: Script, seconds: float, connections: int = CONNECTIONS) -> Window:
    """One window. Raises WrkMissing where there is no wrk."""
    with _started(address, script, seconds, connections) as load:
        return _window(load, seconds)


def measure_flows(address: str, flows: Sequence[Flow], seconds: float) -> Window:
    """One window of as many clients as flows, a connection each. Raises WrkMissing where there is no wrk."""
    lines = [[f"{m} {path} {flow.token} {body}" for m, path, body in flow.requests] for flow in flows]
    with _wrk(address, lines, {}, seconds, len(flows)) as load:
        return _window(load, seconds)


@contextmanager
def background(address: str, script: Script, seconds: float, connections: int) -> Iterator[None]:
    """Load that goes on beside the block, and ends with it."""
    with _started(address, script, seconds, connections) as load:
        yield
        load.terminate()
        load.wait(10)


def _window(load: "subprocess.Popen[str]", seconds: float) -> Window:
    output, _ = load.communicate(timeout=seconds + 30)
    found = json.loads(output.strip().splitlines()[-1])
    rate = found["requests"] / found["us"] * 1e6
    return Window(rate, *(found[name] / 1000 for name in ("p50", "p95", "p99")), found["failed"])


@contextmanager
def _started(
    address: str, script: Script, seconds: float, connections: int
) -> Iterator["subprocess.Popen[str]"]:
    lines = [f"{method} {path} - {body}" for method, path, body in script.requests]
    with _wrk(address, [lines], script.headers, seconds, connections) as load:
        yield load


@contextmanager
def _wrk(
    address: str, flows: Sequence[Sequence[str]], given: dict[str, str], seconds: float, connections: int
) -> Iterator["subprocess.Popen[str]"]:
    """A thread of wrk a flow; the connections are shared out among them."""
    if shutil.which("wrk") is None:
        raise WrkMissing("wrk is missing: apt install wrk")
    with tempfile.TemporaryDirectory() as folder:
        lines, lua = Path(folder, "requests"), Path(folder, "script.lua")
        for number, flow in enumerate(flows, start=1):
            lines.with_name(f"requests.{number}").write_text("\n".join(flow) + "\n")
        headers = ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in given.items())
        lua.write_text(_LUA % (lines, headers))
        shape = ["-t", str(len(flows)), "-c", str(connections), "-d", f"{max(seconds, 1):.0f}s"]
        command = ["wrk", *shape, "-s", str(lua), address]
        yield subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
