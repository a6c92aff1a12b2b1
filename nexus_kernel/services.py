"""Services: an implementation for each contract, made for the unit of work under way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import current_app
from sqlalchemy.orm import Session

from nexus_kernel.db import current_session
from nexus_kernel.errors import StartupError
from nexus_kernel.registry import Owned

P = TypeVar("P")
ServiceFactory = Callable[[Session], Any]
"""Makes a service for a session; usually the service's own class."""


class ServiceRegistry:
    """Who provides which contract. Frozen after the start; `override` is for tests."""

    def __init__(self) -> None:
        self._factories: dict[type, Owned[ServiceFactory]] = {}
        self._frozen = False

    def provide(self, contract: type, factory: ServiceFactory, owner: str) -> None:
        """Raises StartupError when somebody else provides the contract already."""
        if self._frozen:
            raise StartupError(f"{owner} provides {contract.__name__} after the start")
        taken = self._factories.setdefault(contract, Owned(owner, factory))
        if taken.owner != owner:
            raise StartupError(f"{contract.__name__} is provided by {taken.owner} and by {owner}")

    def freeze(self) -> None:
        """Refuse every further provider."""
        self._frozen = True

    def contracts(self) -> dict[type, str]:
        """Each contract with its provider's name."""
        return {contract: owned.owner for contract, owned in self._factories.items()}

    def get(self, contract: type[P]) -> P:
        """The service for the unit of work under way. Raises LookupError when nobody provides it."""
        try:
            factory = self._factories[contract].value
        except KeyError:
            raise LookupError(
                f"nobody provides {contract.__name__}; add it to `needs` in the manifest of the caller"
            ) from None
        service: P = factory(current_session())
        return service

    @contextmanager
    def override(self, contract: type, factory: ServiceFactory) -> Iterator[None]:
        """Use another implementation inside the block."""
        previous = self._factories.get(contract)
        self._factories[contract] = Owned("override", factory)
        try:
            yield
        finally:
            if previous is None:
                del self._factories[contract]
            else:
                self._factories[contract] = previous


def get(contract: type[P]) -> P:
    """The service that provides `contract`, bound to the unit of work under way.

    Raises LookupError when no enabled plugin provides it, RuntimeError outside of a unit of work.
    """
    registry: ServiceRegistry = current_app.extensions["nexus"].services
    return registry.get(contract)
