"""Order numbers: short enough to read out, and no hint at the one before."""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and capitals without 0, 1, I, L, O and U, which are misread or spell words."""


def new_number() -> str:
    """A random number like `NX-7F3K-92QD`: one of 30**8."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"NX-{drawn[:4]}-{drawn[4:]}"
