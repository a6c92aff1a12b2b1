"""Prints, as JSON, what the installed plugins declare for `nexus up`.

A process of its own, so that the supervisor, which lives for hours, never loads the application.
"""

import dataclasses
import json
from typing import Any

from nexus_kernel.contracts.development import DevService, Seed


@dataclasses.dataclass(frozen=True)
class Declared:
    """The services and the seeds of the installed plugins."""

    services: tuple[DevService, ...] = ()
    seeds: tuple[Seed, ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Declared":
        """The reverse of `to_json`; takes the last line, whatever was printed before it."""
        raw = json.loads(text.strip().splitlines()[-1])
        return cls(
            tuple(DevService(**_tuples(item)) for item in raw["services"]),
            tuple(Seed(**_tuples(item)) for item in raw["seeds"]),
        )


def _tuples(item: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in item.items()}


def main() -> None:
    """Start the application as the shop's processes do, and print what its plugins declare."""
    from nexus_kernel import create_app

    hooks = create_app().extensions["nexus"].hooks
    print(Declared(tuple(hooks.dev_services()), tuple(hooks.seeds())).to_json())


if __name__ == "__main__":
    main()
