"""Codes are not to be found by trying: wrong ones are counted, wherever they are tried."""

from collections.abc import Iterable
from uuid import UUID

from nexus_kernel import Throttled, current_throttle, settings, throttle
from nexus_promotions.config import PromotionsConfig

LOCKED_OUT_SECONDS = 900
"""How long no code of a person is believed who has guessed too much."""
KNOWN_WRONG_SECONDS = 3600
"""How long a wrong code that a person tries again and again counts once: a page may ask for each quote."""
_WRONG, _TRIED, _OUT = "promotions.wrong_code", "promotions.tried_code", "promotions.locked_out"


def is_locked_out(user_id: UUID) -> bool:
    """True while this person's codes are refused, right or wrong."""
    return current_throttle().is_noted(_OUT, str(user_id))


def count_wrong(user_id: UUID, codes: Iterable[str]) -> bool:
    """Count these wrong codes; True when the person is locked out by them."""
    counts, rate = current_throttle(), settings(PromotionsConfig).wrong_code_rate
    for code in codes:
        tried = f"{user_id}:{code}"
        if not rate or counts.is_noted(_TRIED, tried):
            continue
        try:
            counts.hit(_WRONG, str(user_id), rate)
        except Throttled:
            counts.note(_OUT, str(user_id), LOCKED_OUT_SECONDS)
            return True
        counts.note(_TRIED, tried, KNOWN_WRONG_SECONDS)
    return False


def count_check(user_id: UUID) -> None:
    """Count a code that is tried on a cart. Raises Throttled."""
    throttle("promotions.check", str(user_id), settings(PromotionsConfig).check_rate)
