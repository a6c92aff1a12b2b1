"""What `nexus up` keeps for its next run, and for the commands that work on its shop."""

import json
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nexus_kernel.cli.up.services import fill_in
from nexus_kernel.cli.up.state import StateFolder
from nexus_kernel.contracts.development import DevService

NEXUS = Path(sys.executable).with_name("nexus")
SERVICE = DevService(name="bell", module="json", ports=("port", "other"), arguments=("{port}", "{other}"))


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "state")


def ports(folder: StateFolder) -> list[str]:
    folder.folder.mkdir(exist_ok=True)
    return list(fill_in(SERVICE, folder, "http://127.0.0.1:1").command[-2:])


def test_a_service_keeps_its_ports_from_run_to_run(folder: StateFolder):
    first = ports(folder)
    assert len(set(first)) == 2
    assert ports(folder) == first


def test_a_port_that_somebody_took_meanwhile_is_replaced(folder: StateFolder):
    first = ports(folder)
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(first[0])))
        other.listen()
        second = ports(folder)
    assert second[0] != first[0] and second[1] == first[1]
    assert ports(folder) == second


def test_a_fresh_start_forgets_the_ports(folder: StateFolder):
    ports(folder)
    folder.clear()
    assert folder.port("bell.port") is None


def test_the_environment_of_the_shop_is_for_its_owner_only_and_goes_with_it(folder: StateFolder):
    folder.folder.mkdir()
    folder.publish({}, {"NEXUS_KERNEL__SECRET_KEY": "s" * 40})
    file = folder.folder / "environment.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    folder.withdraw()
    assert not file.exists()


def nexus(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([NEXUS, *arguments], env=environ, capture_output=True, text=True)


def test_a_command_can_work_on_a_running_shop(folder: StateFolder):
    folder.folder.mkdir()
    folder.publish(
        {}, {"NEXUS_KERNEL__PUBLIC_URL": "http://shop.example", "NEXUS_KERNEL__PLUGINS": "catalog"}
    )
    shown = nexus("--shop", str(folder.folder), "config", "show").stdout
    assert "NEXUS_KERNEL__PUBLIC_URL=http://shop.example" in shown


def test_what_the_environment_says_wins_over_the_shops(folder: StateFolder):
    folder.folder.mkdir()
    folder.publish(
        {}, {"NEXUS_KERNEL__PUBLIC_URL": "http://shop.example", "NEXUS_KERNEL__PLUGINS": "catalog"}
    )
    own = {"NEXUS_SHOP": str(folder.folder), "NEXUS_KERNEL__PUBLIC_URL": "http://own.example"}
    assert "http://own.example" in nexus("config", "show", **own).stdout


def test_a_folder_without_a_running_shop_is_a_sentence(tmp_path: Path):
    answer = nexus("--shop", str(tmp_path), "plugins", "list")
    assert answer.returncode == 1
    assert "start one with `nexus up`" in answer.stderr and "Traceback" not in answer.stderr


def test_the_environment_is_json_that_a_program_can_read(folder: StateFolder):
    folder.folder.mkdir()
    folder.publish({"api": "x"}, {"DATABASE_URL": "y"})
    assert json.loads((folder.folder / "environment.json").read_text()) == {"DATABASE_URL": "y"}
