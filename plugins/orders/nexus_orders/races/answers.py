"""Requests that are sent at the same moment, and what was found in their answers."""

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

REFUSALS = frozenset({"orders.out_of_stock"})


@dataclass(frozen=True)
class Answer:
    """An answer, and how many milliseconds it took. `body` is its JSON object, `data` its bytes."""

    status: int
    content_type: str
    body: dict[str, Any]
    data: bytes
    ms: float

    @property
    def code(self) -> str:
        """The problem's code; empty when something was done."""
        return str(self.body.get("code", ""))

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip() + f" after {self.ms:,.0f} ms: {self.data[:300]!r}"


def timed(send: Callable[[], Any]) -> Answer:
    """Send a request of Flask's test client and time its answer."""
    start = time.perf_counter()
    response = send()
    took = (time.perf_counter() - start) * 1000
    body = response.get_json(silent=True) if response.is_json else None
    return Answer(
        response.status_code,
        response.content_type or "",
        body if isinstance(body, dict) else {},
        response.data,
        took,
    )


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Make all of these calls, each in a thread of its own, released together; their answers in order."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@dataclass
class Round:
    """The answers of one round by what they mean, and what in it must not be."""

    orders: list[Answer] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    errors: list[Answer] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, answers: Sequence[Answer], refusals: Collection[str] = REFUSALS) -> "Round":
        """Sort the answers: placed, refused as 409 problem+json with one of these codes, or an error."""
        found = cls()
        for answer in answers:
            is_refusal = answer.status == 409 and answer.code in refusals
            if answer.status == 201:
                found.orders.append(answer)
            elif is_refusal and answer.content_type == "application/problem+json":
                found.refused.append(answer)
            else:
                found.errors.append(answer)
        found.violations += [f"a buyer was answered {answer}" for answer in found.errors]
        return found

    @property
    def order_ids(self) -> set[str]:
        """The orders that buyers were told of."""
        return {str(answer.body["id"]) for answer in self.orders}

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note a violation where the two differ."""
        if found != wanted:
            self.violations.append(f"{what}: {found}, not {wanted}")
