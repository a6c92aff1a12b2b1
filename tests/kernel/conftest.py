"""What the kernel's tests share: applications without engines, and one-file plugins written on the spot."""

import importlib
import logging
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from nexus_kernel import create_app
from nexus_kernel.testing.fixtures import SECRET_KEY

_numbers = count(1)
_HEADER = """
from nexus_kernel import *
from nexus_kernel import services
from nexus_kernel.contracts.events import Event
import click, marshmallow as ma
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column
"""


@pytest.fixture
def start() -> Callable[..., Flask]:
    """An application that needs no engine: `start(plugin, ..., catalog={"page_size": 5})`."""

    def start(*plugins: object, **config: dict[str, Any]) -> Flask:
        kernel = {"environment": "test", "secret_key": SECRET_KEY, **config.pop("kernel", {})}
        return create_app({**config, "kernel": kernel}, plugins=list(plugins))

    return start


@pytest.fixture
def write_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Writes a module from its source, after the usual imports, and imports it under a name of its own."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source: str) -> ModuleType:
        name = f"written_{next(_numbers)}"
        (tmp_path / f"{name}.py").write_text(_HEADER + textwrap.dedent(source))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return write


@pytest.fixture
def nexus_log() -> Iterator[list[logging.LogRecord]]:
    """What the `nexus` loggers say; they hand nothing to the root logger, where `caplog` listens."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            for every in logging.getLogger("nexus").handlers:
                every.filter(record)
            records.append(record)

    handlers = [logging.getLogger(name) for name in ("nexus.api", "nexus.db", "nexus.request", "nexus.app")]
    handlers += [logging.getLogger(name) for name in ("nexus.cache", "nexus.tasks", "nexus.outbox")]
    keep = Keep()
    for logger in handlers:
        logger.addHandler(keep)
    yield records
    for logger in handlers:
        logger.removeHandler(keep)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Installs a one-file plugin: a module and the metadata of its distribution, in a folder on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))

    def install(name: str, source: str) -> Path:
        module = f"installed_{name}"
        monkeypatch.delitem(sys.modules, module, raising=False)
        (folder / f"{module}.py").write_text(_HEADER + textwrap.dedent(source))
        info = folder / f"shop_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: shop-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[nexus.plugins]\n{name} = {module}\n")
        importlib.invalidate_caches()
        return folder

    return install


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server in a process of its own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("s3") / "log").open("wb")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(urllib.request.Request(f"{address}/shop", method="PUT"), timeout=5)
            break
        except OSError:
            assert server.poll() is None, Path(log.name).read_text()
            time.sleep(0.1)
    yield address
    server.terminate()
    server.wait(10)
    log.close()
