"""From what a plugin declares to a program with ports, secrets and an address."""

import importlib.util
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from nexus_kernel.cli.up.state import StateFolder, UpError
from nexus_kernel.contracts.development import DevService

HOST = "127.0.0.1"
_USUAL_PORT = 8000


@dataclass(frozen=True)
class ReadyService:
    """A declared service, with everything filled in."""

    name: str
    address: str
    health: str
    command: tuple[str, ...]
    settings: Mapping[str, str]


def is_installed(service: DevService) -> bool:
    """Whether the service's package is there."""
    return importlib.util.find_spec(service.module.partition(".")[0]) is not None


def fill_in(service: DevService, state: StateFolder, api: str) -> ReadyService:
    """Choose ports and put them, the secret and the addresses where the service wants them."""
    folder = state.services / service.name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ports = {name: str(_port(state, f"{service.name}.{name}")) for name in service.ports}
    values = {**ports, "api": api, "state_dir": str(folder), "secret": state.secret(service.name)}
    address = f"http://{HOST}:{ports[service.ports[0]]}"
    arguments = tuple(_fill(argument, values) for argument in service.arguments)
    return ReadyService(
        name=service.name,
        address=address,
        health=address + service.health_path,
        command=(sys.executable, "-m", service.module, *arguments),
        settings={key: _fill(value, values) for key, value in service.settings.items()},
    )


def _fill(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)


def _port(state: StateFolder, name: str) -> int:
    """The port of the last run while it is free, so that a payment link of then still leads somewhere."""
    kept = state.port(name)
    number = kept if kept and _is_free(kept) else free_port()
    state.remember_port(name, number)
    return number


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class ApiPort:
    """The port of the API, kept from every other `nexus up` of this machine from now on.

    The one that was asked for; else 8000, or a free one while that is taken. Raises UpError.
    """

    def __init__(self, wanted: int | None) -> None:
        self._claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if wanted is not None and not self._take(wanted):
            raise UpError(f"Port {wanted} is taken by another program. Choose another, or leave --port out.")
        self.number = wanted or (_USUAL_PORT if self._take(_USUAL_PORT) else free_port())

    def _take(self, port: int) -> bool:
        if sys.platform == "linux":
            try:
                # An abstract name: it goes away with this process, however that ends.
                self._claim.bind(f"\0nexus-up-{port}")
            except OSError:
                return False
        return _is_free(port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
