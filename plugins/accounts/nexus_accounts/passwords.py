"""Hashing passwords, and which passwords are refused.

Argon2id with 19 MiB, two passes and one lane, as the OWASP Password Storage Cheat Sheet recommends. Passwords
are compared in NFKC (NIST SP 800-63B, 5.1.1.2), so that another keyboard types the same one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MINIMUM = 8
MAXIMUM = 128
TOO_SIMILAR = 0.7

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hash_password(password: str) -> str:
    """An encoded Argon2id hash with a salt of its own."""
    return _hasher.hash(_canonical(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """True when the password fits. Without a hash it takes the same time, and is False."""
    try:
        fits = _hasher.verify(password_hash or _nobodys_hash(), _canonical(password))
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


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def _canonical(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
