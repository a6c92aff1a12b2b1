"""Hashing passwords, and which passwords are refused.

Argon2id with 19 MiB, two passes and one lane, as the OWASP Password Storage Cheat Sheet recommends. Passwords
are compared in NFKC (NIST SP 800-63B, 5.1.1.2), so that another keyboard types the same one. A process hashes
a few at once only, in threads that leave the processor to others, so that many who sign in do not slow down
everybody else.
"""

import os
import re
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from difflib import SequenceMatcher
from functools import cache
from threading import BoundedSemaphore, get_native_id
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from nexus_accounts.errors import PasswordsBusy

MINIMUM = 8
MAXIMUM = 128
TOO_SIMILAR = 0.7

HASHES_AT_ONCE = max(1, (os.cpu_count() or 2) // 2)
"""How many passwords a process hashes at once; the others wait."""
LONGEST_WAIT = 5.0
"""Seconds that one waits for its turn before it is answered with 503."""

NICE = 10
"""By how much a hash stands back behind requests for the processor (Linux: 10 is a ninth of the share)."""

T = TypeVar("T")
_turns = BoundedSemaphore(HASHES_AT_ONCE)
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """An encoded Argon2id hash with a salt of its own. Raises PasswordsBusy."""
    with _turn():
        return _aside(lambda: _hasher.hash(_canonical(password)))


def verify_password(password_hash: str | None, password: str) -> bool:
    """True when the password fits. Without a hash it takes the same time, and is False.

    Raises PasswordsBusy.
    """
    try:
        with _turn():
            fits = _aside(lambda: _hasher.verify(password_hash or _nobodys_hash(), _canonical(password)))
    except (VerificationError, InvalidHashError):
        return False
    return fits and password_hash is not None


def password_faults(password: str, personal: Iterable[str | None]) -> list[str]:
    """Why a password is refused, as sentences; empty when it is fine. `personal` is what others may know."""
    return list(_faults(password, [text for text in personal if text]))


def _faults(password: str, personal: Iterable[str]) -> Iterator[str]:
    if len(password) < MINIMUM:
        yield f"Must have at least {MINIMUM} characters."
    if password.isdigit():
        yield "Must not be entirely numeric."
    if password.casefold() in _common_passwords():
        yield "Is one of the most common passwords."
    if any(_similar(password, part) for text in personal for part in _parts(text)):
        yield "Is too similar to the e-mail address or the name."


def _parts(text: str) -> list[str]:
    return [text, *(part for part in re.split(r"\W+", text) if len(part) > 2)]


def _similar(password: str, part: str) -> bool:
    matcher = SequenceMatcher(a=password.casefold(), b=part.casefold())
    return matcher.quick_ratio() >= TOO_SIMILAR and matcher.ratio() >= TOO_SIMILAR


@cache
def _common_passwords() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MINIMUM)


@contextmanager
def _turn() -> Iterator[None]:
    if not _turns.acquire(timeout=LONGEST_WAIT):
        raise PasswordsBusy
    try:
        yield
    finally:
        _turns.release()


def _aside(work: Callable[[], T]) -> T:
    return _threads().submit(work).result()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(HASHES_AT_ONCE, "nexus-passwords", initializer=_stand_back)


def _stand_back() -> None:
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICE)


@cache
def _nobodys_hash() -> str:
    """A hash that no password has, made without hashing: the first stranger must not wait longer either."""
    salt, digest = (b64encode(os.urandom(size)).decode().rstrip("=") for size in (16, 32))
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"


def _canonical(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


os.register_at_fork(after_in_child=_threads.cache_clear)
