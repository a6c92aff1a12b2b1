"""The seams hold: import-linter's contracts pass, and no plugin escapes them."""

import configparser
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def contracts() -> dict[str, dict[str, list[str]]]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return {
        section.rpartition(":")[2]: {key: value.split() for key, value in parser[section].items()}
        for section in parser.sections()
        if section.startswith("importlinter")
    }


def packages(folder: str) -> set[str]:
    """The package that each distribution below the folder ships."""
    return {
        next(path.parent.glob("nexus_*/__init__.py")).parent.name
        for path in (ROOT / folder).glob("*/pyproject.toml")
    }


def test_every_contract_is_kept():
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("contract", "key"),
    [
        ("importlinter", "root_packages"),
        ("plugins-are-independent", "modules"),
        ("kernel-knows-no-plugin", "forbidden_modules"),
        ("simulators-stand-alone", "forbidden_modules"),
        ("nothing-imports-simulators", "source_modules"),
        ("plugin-layers", "containers"),
    ],
)
def test_every_plugin_folder_is_covered(contract: str, key: str):
    assert packages("plugins") <= set(contracts()[contract][key])


def test_every_example_plugin_is_independent():
    assert packages("examples") <= set(contracts()["plugins-are-independent"]["modules"])


def test_every_simulator_is_covered():
    assert packages("simulators") <= set(contracts()["simulators-stand-alone"]["source_modules"])


@pytest.mark.parametrize("folder", sorted((ROOT / "plugins").iterdir()), ids=lambda folder: folder.name)
def test_a_plugin_is_named_by_its_folder(folder: Path):
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    package = f"nexus_{folder.name}"
    assert project["name"] == package.replace("_", "-")
    assert project["entry-points"]["nexus.plugins"] == {folder.name: f"{package}.plugin"}
    assert (folder / package / "plugin.py").is_file()


@pytest.mark.parametrize("folder", sorted((ROOT / "plugins").iterdir()), ids=lambda folder: folder.name)
def test_a_plugin_depends_on_no_other_plugin(folder: Path):
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    ours = {name.replace("_", "-") for name in packages("plugins") | packages("examples")}
    assert not [d for d in project["dependencies"] if d.split(">")[0].split("=")[0].strip() in ours]


@pytest.mark.parametrize("folder", sorted((ROOT / "plugins").iterdir()), ids=lambda folder: folder.name)
def test_the_table_of_contents_is_short(folder: Path):
    lines = (folder / f"nexus_{folder.name}" / "plugin.py").read_text().splitlines()
    assert len(lines) <= 120
