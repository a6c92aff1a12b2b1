"""What a plugin asks of `nexus up`, the whole shop on a developer's machine."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class DevService:
    """A program that `nexus up` runs beside the shop: a mailbox, a stand-in for a gateway.

    It runs as `python -m <module> <arguments>` and is left out, with a sentence, when the module is not
    installed. `ports` are names for free loopback ports. In `arguments` and `settings` these are filled in:
    `{port}` and the other named ports; `{api}`, the address of the API; `{state_dir}`, a folder for what it
    keeps; `{secret}`, a random text that stays the same from run to run.

    `settings` is environment for the processes of the shop, as `NEXUS_<PLUGIN>__<KEY>`; a variable that the
    developer has set wins. The service answers `health_path` with 200 once it is ready, on its first port,
    whose address `nexus up` shows and writes to state.json under `name`.
    """

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    ports: tuple[str, ...] = ("port",)
    settings: Mapping[str, str] = field(default_factory=dict)
    health_path: str = "/healthz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A command that fills a new shop: arguments of `nexus`, run once a state folder, by (order, name).

    What it prints on its standard output, when that is a JSON object, goes into state.json; its standard
    error is shown while it runs. It must cope with being run again after it was interrupted.
    """

    name: str
    command: tuple[str, ...]
    order: int = 0
