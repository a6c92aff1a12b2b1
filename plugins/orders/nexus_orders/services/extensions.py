"""What other plugins add to an order: read before it, frozen with it, written beside it.

Each step runs every extension in the order of the plugins. One that raises refuses the checkout, as a price
rule does; what the database raises is left to the kernel, which knows a busy row from a broken one.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import orjson
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from nexus_kernel.contracts.orders import OrderExtension, Quote
from nexus_orders import errors
from nexus_orders.services.pricing import checked

log = logging.getLogger("nexus.orders")
T = TypeVar("T")


def prepare(bare: Quote, requested: Mapping[str, Any], extensions: Iterable[OrderExtension]) -> Quote:
    """The quote with what was requested of every extension, `{}` for nothing, and the facts that they read.

    Raises ExtensionFailed.
    """
    extensions = list(extensions)
    asked = replace(bare, requested={e.name: requested.get(e.name, {}) for e in extensions})
    return replace(asked, facts={e.name: _run(e, lambda e=e: e.prepare(asked)) for e in extensions})


def freeze(priced: Quote, extensions: Iterable[OrderExtension]) -> dict[str, Any]:
    """What the order shows of each extension that has an answer, as JSON. Raises ExtensionFailed."""
    frozen = {e.name: _run(e, lambda e=e: _snapshot(e, priced)) for e in extensions if e.answer is not None}
    return {name: shown for name, shown in frozen.items() if shown is not None}


def record(session: Session, priced: Quote, order_id: UUID, extensions: Iterable[OrderExtension]) -> None:
    """Let every extension write its part of the order; what it leaves unflushed is written here.

    Raises CheckoutOvertaken with the problems of the first one that has any, and ExtensionFailed.
    """
    for extension in extensions:
        problems = _run(extension, lambda e=extension: checked(e.record(priced, order_id)))
        if problems:
            raise errors.refusal(errors.CheckoutOvertaken, problems)
        session.flush()


def _snapshot(extension: OrderExtension, priced: Quote) -> dict[str, Any] | None:
    shown = extension.snapshot(priced)
    if shown is None:
        return None
    frozen = orjson.loads(orjson.dumps(dict(shown)))
    assert isinstance(frozen, dict)
    return frozen


def _run(extension: OrderExtension, step: Callable[[], T]) -> T:
    try:
        return step()
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception("the order extension %s failed", extension.name)
        raise errors.ExtensionFailed("Try again in a while; nothing was ordered.") from error
