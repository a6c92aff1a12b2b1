"""Tokens and references: unpredictable by default, repeatable with a seed."""

import random
import string
from collections.abc import Callable

_REFERENCE_ALPHABET = string.ascii_letters + string.digits


class Identifiers:
    """Draws identifiers that are not yet taken."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.SystemRandom() if seed is None else random.Random(seed)

    def checkout_token(self, taken: Callable[[str], bool]) -> str:
        """The last part of a checkout URL: 43 letters and digits."""
        return self._draw("", 43, taken)

    def reference(self, taken: Callable[[str], bool]) -> str:
        """The gateway's own reference of a payment: ``AP`` and ten letters or digits."""
        return self._draw("AP", 10, taken)

    def refund(self, taken: Callable[[str], bool]) -> str:
        """The gateway's own name of a refund, shaped like the documented sample."""
        return self._draw("MERC-DIS-REF-", 12, taken)

    def _draw(self, prefix: str, length: int, taken: Callable[[str], bool]) -> str:
        while True:
            text = prefix + "".join(self._random.choices(_REFERENCE_ALPHABET, k=length))
            if not taken(text):
                return text
