"""What a plugin knows of a person: told to the person, and forgotten."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID


class DataSubjectHandler(Protocol):
    """Exports and erases what one plugin keeps of a person.

    `name` is the plugin's name, or begins with it and a dot; it is the section's title in an export. Whoever
    keeps the accounts calls the handlers of every plugin.
    """

    name: str

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """Everything that is kept of this person, as JSON types, in a constant number of queries.

        Called inside a unit of work. A person of whom nothing is kept gives empty lists, never an error.
        """
        ...

    def erase(self, person_id: UUID) -> None:
        """Delete or make anonymous what is kept of this person.

        Called in a transaction of its own, by a worker, at least once: again after a crash, so a second
        time must do no harm. Raising means "not erased, try again later".
        """
        ...
