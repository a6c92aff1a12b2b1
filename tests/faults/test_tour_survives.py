"""A sale goes on while a part of the shop is dead: nothing is lost, nothing happens twice."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NEXUS = Path(sys.executable).with_name("nexus")
OUTAGE = 10.0
"""Seconds for which a part is kept dead."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A whole shop, as `nexus up` makes it."""
    folder = tmp_path_factory.mktemp("shop")
    environ = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    with (folder / "up.log").open("w") as log:
        shop = subprocess.Popen([NEXUS, "up", "--state-dir", folder], stdout=log, stderr=log, env=environ)
    try:
        wait_until(
            lambda: (folder / "state.json").exists() or shop.poll() is not None, 120, "the shop to start"
        )
        assert shop.poll() is None, (folder / "up.log").read_text()
        yield folder
    finally:
        shop.send_signal(signal.SIGTERM)
        assert shop.wait(30) == 0, (folder / "up.log").read_text()


def wait_until(condition: Callable[[], Any], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def state(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "state.json").read_text())


def keep_dead(folder: Path, name: str, seconds: float) -> int:
    """Kill a part by its pid, again each time it is brought back, for so many seconds; how often it died."""
    deadline, killed = time.monotonic() + seconds, set()
    while time.monotonic() < deadline:
        pid = state(folder)["pids"].get(name)
        if pid and pid not in killed:
            try:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
            except ProcessLookupError:
                killed.add(pid)
        time.sleep(0.1)
    return len(killed)


def start_tour(folder: Path, pause: float = 0.0) -> subprocess.Popen[str]:
    command = [NEXUS, "tour", "--state-dir", folder, "--pause", str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_the_tour_ends_well(state_dir: Path):
    tour = start_tour(state_dir)
    output, _ = tour.communicate(timeout=120)
    assert tour.returncode == 0, output
    assert "The first sale is made" in output


@pytest.mark.parametrize("part", ["worker", "valkey", "postgres"])
def test_the_tour_ends_well_although_a_part_is_dead_for_ten_seconds(state_dir: Path, part: str):
    tour = start_tour(state_dir, pause=0.5)
    time.sleep(2.0)
    assert tour.poll() is None, tour.communicate()[0]
    assert keep_dead(state_dir, part, OUTAGE) >= 1
    output, _ = tour.communicate(timeout=180)
    assert tour.returncode == 0, output
    assert "The first sale is made" in output
