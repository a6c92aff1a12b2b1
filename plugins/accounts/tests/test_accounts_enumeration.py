"""Nobody finds out who has an account: not by the answer, the work behind it, nor the time that it takes.

Work is compared exactly: passwords hashed, statements sent. Times are compared by rank (Mann-Whitney) over
interleaved requests: AUC is the chance that a request of one kind takes longer than one of the other, 0.5 for
kinds that cannot be told apart. Three rounds have to disagree before a difference is believed (by chance once
in 10^7), so a busy machine does no harm; and each criterion is shown to catch a leak that was put in.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from time import perf_counter

import pytest
from nexus_accounts import passwords
from nexus_accounts.services import registration, sessions
from nexus_accounts.services.credentials import Credentials
from werkzeug.test import TestResponse

from nexus_kernel import current_session
from nexus_kernel.testing import count_queries

SAMPLES, ROUNDS, BOUND = 16, 3, 0.3
OPEN, CLOSED, WAITING, DISPUTED = (
    f"{word}@example.com" for word in ("open", "closed", "waiting", "disputed")
)
WRONG = "a-wrong-password"
RATES = ("sign_in_client", "sign_in_account", "registration", "mail_client", "mail_account")

Probe = Callable[[], TestResponse]


@pytest.fixture
def nexus_config():
    return {"accounts": {f"{name}_rate": "" for name in RATES}}


@pytest.fixture
def somebody(person, register):
    """An open, a closed, a waiting and a disputed account."""
    person(OPEN)
    person(CLOSED, is_active=False)
    register(WAITING)
    register(DISPUTED)
    register(DISPUTED, password="another-long-secret", re_password="another-long-secret")


@pytest.fixture
def kinds(client, somebody, password) -> Mapping[str, Mapping[str, Probe]]:
    """What an outsider may try, by route and by what is known of the address."""
    numbers = iter(range(10_000))

    def post(path: str, email: str | None, **fields: str):
        email = email or f"unknown-{next(numbers)}@example.com"
        return client.post(f"/api/auth/{path}/", json={"email": email, **fields})

    emails = {"unknown": None, "open": OPEN, "closed": CLOSED, "waiting": WAITING, "disputed": DISPUTED}
    typed = {"password": password, "re_password": password}
    other = {"password": WRONG, "re_password": WRONG}
    register = {name: lambda e=email: post("users", e, **typed) for name, email in emails.items()}
    return {
        "register": {**register, "disputing": lambda: post("users", DISPUTED, **other)},
        "sign in": {n: lambda e=e: post("jwt/create", e, password=WRONG) for n, e in emails.items()},
        "reset": {n: lambda e=e: post("users/reset_password", e) for n, e in emails.items()},
        "resend": {n: lambda e=e: post("users/resend_activation", e) for n, e in emails.items()},
    }


ROUTES = ("register", "sign in", "reset", "resend")


class CountingHasher:
    """Counts what costs most."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._hasher = passwords._hasher

    def hash(self, word: str) -> str:
        self.calls["hash"] += 1
        return self._hasher.hash(word)

    def verify(self, kept: str, word: str) -> bool:
        self.calls["verify"] += 1
        return self._hasher.verify(kept, word)


def work(app, monkeypatch, probe: Probe) -> tuple[object, ...]:
    """The passwords hashed and compared and the statements sent by one request."""
    hasher = CountingHasher()
    with monkeypatch.context() as patch, count_queries(app) as queries:
        patch.setattr(passwords, "_hasher", hasher)
        probe()
    return (tuple(sorted(hasher.calls.items())), *queries.statements)


def auc(ones: list[float], others: list[float]) -> float:
    """The chance that one of the first takes longer than one of the others."""
    pairs = [(one, other) for one in ones for other in others]
    return sum((one > other) + (one == other) / 2 for one, other in pairs) / len(pairs)


def measure(one: Callable[[], object], other: Callable[[], object]) -> float:
    """The AUC of interleaved requests, whose order alternates."""
    times: dict[Callable[[], object], list[float]] = {one: [], other: []}
    for number in range(SAMPLES):
        for probe in (one, other) if number % 2 else (other, one):
            begun = perf_counter()
            probe()
            times[probe].append(perf_counter() - begun)
    return auc(times[one], times[other])


def differ(one: Callable[[], object], other: Callable[[], object]) -> bool:
    """True when every round tells the two apart, the same way."""
    first = measure(one, other) - 0.5
    if abs(first) <= BOUND:
        return False
    again = [measure(one, other) - 0.5 for _ in range(ROUNDS - 1)]
    return all(abs(shift) > BOUND and (shift > 0) == (first > 0) for shift in again)


@pytest.mark.parametrize("route", ROUTES)
def test_the_answer_is_the_same(kinds, route):
    answers = {
        (reply.status_code, *sorted(reply.headers.keys())) for p in kinds[route].values() if (reply := p())
    }
    assert len(answers) == 1, answers


@pytest.mark.parametrize("route", ROUTES)
def test_the_work_is_the_same(app, kinds, monkeypatch, route):
    done = {name: work(app, monkeypatch, probe) for name, probe in kinds[route].items()}
    assert set(done.values()) == {done["unknown"]}, done


@pytest.mark.slow
@pytest.mark.parametrize(
    ("route", "kind"),
    [
        ("register", "open"),
        ("register", "disputing"),
        ("sign in", "open"),
        ("sign in", "closed"),
        ("reset", "open"),
        ("resend", "waiting"),
    ],
)
def test_the_time_is_the_same(kinds, route, kind):
    probes = kinds[route]
    probes["unknown"](), probes[kind]()
    assert not differ(probes["unknown"], probes[kind])


def only_where_known(kept: str | None, word: str) -> bool:
    return kept is not None and passwords.verify_password(kept, word)


@pytest.mark.slow
@pytest.mark.parametrize(("route", "module"), [("register", registration), ("sign in", sessions)])
def test_a_password_that_is_compared_only_where_there_is_one_would_be_noticed(
    app, kinds, monkeypatch, route, module
):
    monkeypatch.setattr(module, "verify_password", only_where_known)
    known = kinds[route]["waiting"]
    other = kinds[route]["unknown" if route == "sign in" else "open"]
    assert any(differ(other, known) for _ in range(3)), "on a busy machine one try may drown in noise"
    assert work(app, monkeypatch, kinds[route]["closed"]) != work(app, monkeypatch, known)


def test_a_link_that_is_made_inside_of_the_request_would_be_noticed(app, kinds, monkeypatch):
    def at_once(email: str) -> None:
        Credentials(current_session()).mail_reset_link(email)

    monkeypatch.setattr("nexus_accounts.services.credentials.ask_for_reset", at_once)
    reset = kinds["reset"]
    assert work(app, monkeypatch, reset["open"]) != work(app, monkeypatch, reset["unknown"])


def test_times_that_differ_by_nothing_but_noise_are_not_told_apart():
    assert auc([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == 0.5
    assert auc([2.0, 3.0], [0.5, 1.0]) == 1.0
    assert not differ(lambda: sum(range(1000)), lambda: sum(range(1000)))
    assert differ(lambda: sum(range(200_000)), lambda: sum(range(1000)))
