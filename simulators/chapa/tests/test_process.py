"""The command line: a process of its own, in real time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from nexus_chapa_sim.recording import Merchant

KEY = "CHASECK_TEST-process"
Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start() -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "nexus_chapa_sim", "--secret-key", KEY, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        processes.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().rpartition(" ")[2].strip()

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(number)
    return process.wait(10)


def pay(url: str, tx_ref: str) -> None:
    body = {"amount": "10", "currency": "ETB", "tx_ref": tx_ref}
    headers = {"Authorization": f"Bearer {KEY}"}
    assert httpx.post(f"{url}/v1/transaction/initialize", json=body, headers=headers).status_code == 200
    assert httpx.post(f"{url}/_sim/transactions/{tx_ref}/pay").status_code == 200


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_cleanly(start: Start, number: signal.Signals) -> None:
    process, url = start("--port", "0")
    assert httpx.get(f"{url}/healthz").status_code == 200
    assert stop(process, number) == 0


def test_webhooks_go_out_by_themselves_and_repeat_until_200(start: Start, merchant: Merchant) -> None:
    merchant.status = 503
    _, url = start("--webhook-url", merchant.url, "--time-scale", "50")
    pay(url, "P1")
    assert eventually(lambda: len(merchant.webhooks) >= 3)
    merchant.status = 200
    assert eventually(
        lambda: httpx.get(f"{url}/_sim/deliveries").json()["deliveries"][0]["state"] == "delivered"
    )


def test_options_can_come_from_the_environment(start: Start, merchant: Merchant) -> None:
    _, url = start(CHAPA_SIM_WEBHOOK_URL=merchant.url, CHAPA_SIM_WEBHOOK_SECRET="hook-secret")
    pay(url, "P1")
    assert eventually(lambda: len(merchant.webhooks) == 1)


def test_a_state_file_survives_a_kill(start: Start, merchant: Merchant, tmp_path: Path) -> None:
    options = ("--state-file", str(tmp_path / "state.db"), "--webhook-url", merchant.url, "--seed", "3")
    merchant.status = 503
    process, url = start(*options, "--retry-schedule", "1,1,1,1")
    pay(url, "P1")
    assert eventually(lambda: len(merchant.webhooks) == 1)
    before = httpx.get(f"{url}/_sim/transactions").json()
    process.kill()
    process.wait()
    merchant.status = 200
    _, url = start(*options)
    assert httpx.get(f"{url}/_sim/transactions").json() == before
    assert eventually(lambda: len(merchant.webhooks) >= 2)
    pay(url, "P2")
    first, second = httpx.get(f"{url}/_sim/transactions").json()["transactions"]
    assert first["reference"] != second["reference"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--host", "0.0.0.0"), "only listens on this machine"),
        (("--host", "192.168.1.5"), "only listens on this machine"),
        (("--secret-key", "sk_live_1"), "A secret key begins with"),
        (("--webhook-url", "shop"), "is not an http or https URL"),
        (("--retry-schedule", "often"), "The retry schedule is one of"),
        (("--deadline-minutes", "90"), "between 5 and 60 minutes"),
        (("--fee-percent", "much"), "between 0 and 100 percent"),
        (("--subaccount", "x"), "is not of the form"),
    ],
)
def test_what_cannot_work_is_refused_with_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    command = [sys.executable, "-m", "nexus_chapa_sim", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_and_a_damaged_state_file_are_refused(start: Start, tmp_path: Path) -> None:
    _, url = start()
    (tmp_path / "bad.db").write_text("not a database at all, but long enough to be looked at")
    for arguments in (("--port", url.rpartition(":")[2]), ("--state-file", str(tmp_path / "bad.db"))):
        command = [sys.executable, "-m", "nexus_chapa_sim", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr


def test_refunds_go_on_by_themselves_and_are_told(start: Start, merchant: Merchant) -> None:
    times = ("--refund-processing-after", "0.2", "--refund-completed-after", "0.4")
    _, url = start("--webhook-url", merchant.url, "--refunds-in-test", *times)
    pay(url, "P1")
    answer = httpx.post(f"{url}/v1/refund/P1", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 200
    assert eventually(lambda: sum(b"charge.refunded" in item.body for item in merchant.webhooks) == 2)
    assert httpx.get(f"{url}/_sim/refunds").json()["refunds"][0]["state"] == "refunded"
