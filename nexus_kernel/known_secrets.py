"""Secrets that are none: what everybody can read or guess.

A key from a tutorial, a repository or a keyboard row signs tokens that anybody else can sign too.
"""

import re

MAKE_ONE = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"

PLACEHOLDERS = (
    "changeme",
    "changethis",
    "chooseasecret",
    "defaultsecret",
    "django-insecure",
    "dontuse",
    "donotuse",
    "example",
    "flasksecret",
    "fortestsonly",
    "insecure",
    "jwtsecret",
    "keepitsecret",
    "mysecret",
    "notasecret",
    "onlyfortests",
    "password",
    "placeholder",
    "replaceme",
    "replacethis",
    "secretkey",
    "supersecret",
    "tobechanged",
    "topsecret",
    "yoursecret",
)
"""Words of examples, without separators. Randomness of 32 characters holds none of them by chance."""

FEWEST_CHARACTERS = 10
"""Different ones. 32 random hexadecimal digits have fewer once in 10,000 keys, 64 once in 10^12."""

_ROWS = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SEPARATORS = re.compile(r"[\s_.\-]+")


def secret_fault(secret: str) -> str | None:
    """Why this is no secret, as the end of a sentence; None when nothing speaks against it.

    It says nothing about how random a text is; what it refuses is known or trivial.
    """
    plain = _SEPARATORS.sub("", secret.lower())
    if any(_SEPARATORS.sub("", word) in plain for word in PLACEHOLDERS):
        return f"is a placeholder that anybody may know; {MAKE_ONE}"
    if len(set(secret)) < FEWEST_CHARACTERS or _repeats(secret) or _typed(plain):
        return f"is easily guessed; {MAKE_ONE}"
    return None


def _repeats(secret: str) -> bool:
    """The same again and again, such as `abc123abc123abc123`, whole or cut at its end."""
    return any(
        secret == (secret[:size] * len(secret))[: len(secret)] for size in range(1, len(secret) // 2 + 1)
    )


def _typed(plain: str) -> bool:
    """Mostly rows of the keyboard or the alphabet, forwards or backwards."""
    rest = plain
    for row in (*_ROWS, *(row[::-1] for row in _ROWS)):
        for size in range(len(row), 4, -1):
            for start in range(len(row) - size + 1):
                rest = rest.replace(row[start : start + size], "")
    return len(rest) * 2 < len(plain)
