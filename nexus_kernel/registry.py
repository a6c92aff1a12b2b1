"""Registries: filled while the application starts, then frozen. They know who owns each entry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from nexus_kernel.errors import StartupError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Owned(Generic[T]):
    """A value and the plugin that contributed it."""

    owner: str
    value: T


class Registry(Mapping[str, T]):
    """A mapping from a name to a contribution, which refuses a second one of the same name."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._entries: dict[str, Owned[T]] = {}
        self._frozen = False

    def add(self, name: str, value: T, owner: str) -> None:
        """Raises StartupError when the name is taken, naming both owners, or after the start."""
        if self._frozen:
            raise StartupError(
                f"{owner} adds the {self.what} {name!r} after the start; contribute it by a hook"
            )
        taken = self._entries.setdefault(name, Owned(owner, value))
        if taken.value is not value:
            raise StartupError(f"the {self.what} {name!r} of {owner} is registered by {taken.owner} already")

    def freeze(self) -> None:
        """Refuse every further entry."""
        self._frozen = True

    def owner(self, name: str) -> str:
        """Who contributed this entry."""
        return self._entries[name].owner

    def __getitem__(self, name: str) -> T:
        return self._entries[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
