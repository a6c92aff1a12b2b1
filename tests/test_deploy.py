"""What stands in the deployment files, as far as it can be checked without a container engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
SHOP = ("api", "worker", "beat", "migrate")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())["services"]


def test_the_compose_file_follows_the_compose_specification() -> None:
    pytest.importorskip("check_jsonschema")
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        str(COMPOSE),
    ]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def test_every_secret_comes_from_the_environment_and_is_required(services: dict[str, Any]) -> None:
    secrets = [
        str(value)
        for service in services.values()
        for key, value in service.get("environment", {}).items()
        if re.search(r"SECRET|PASSWORD|DATABASE_URL", key)
    ]
    assert len(secrets) == 2 * len(SHOP) + 1
    assert all(re.search(r"\$\{\w+:\?[^}]+\}", value) for value in secrets)


def test_ports_are_published_on_the_loopback_address_only(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(str(port).startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", ["api", "worker", "beat"])
def test_the_shop_starts_after_the_migration(services: dict[str, Any], name: str) -> None:
    assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_the_migration_waits_for_a_healthy_database_and_runs_once(services: dict[str, Any]) -> None:
    assert services["migrate"]["depends_on"]["database"] == {"condition": "service_healthy"}
    assert services["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", ["database", "queue", "api"])
def test_what_others_wait_for_has_a_health_check(services: dict[str, Any], name: str) -> None:
    assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_data_lives_in_volumes(services: dict[str, Any]) -> None:
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]
    used = {mount.split(":")[0] for service in services.values() for mount in service["volumes"]}
    assert used == set(declared)


def test_the_api_and_the_worker_share_the_uploaded_files(services: dict[str, Any]) -> None:
    containerfile = (ROOT / "deploy" / "Containerfile").read_text()
    (folder,) = re.findall(r"NEXUS_KERNEL__MEDIA_STORE=(\S+)", containerfile)
    for name in ("api", "worker"):
        assert services[name]["volumes"] == [f"media:{folder}"]


def test_the_image_holds_every_plugin_unless_told_otherwise() -> None:
    containerfile = (ROOT / "deploy" / "Containerfile").read_text()
    default = re.search(r'^ARG PLUGINS="([^"]+)"', containerfile, re.MULTILINE)
    assert default is not None
    assert set(default[1].split()) == {path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")}


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "deploy" / "Containerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["nexus"]
