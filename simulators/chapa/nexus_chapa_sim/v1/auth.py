"""Bearer keys: which are accepted and which mode they speak for."""

import hmac
from typing import Literal

from flask import Request

from nexus_chapa_sim.core.model import Mode, Transaction
from nexus_chapa_sim.settings import Settings, key_mode
from nexus_chapa_sim.v1.envelope import ApiError


def authenticated_mode(request: Request, settings: Settings) -> Mode:
    """The mode of the secret key that the request carries; raises ApiError 401 without a valid one."""
    scheme, _, key = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise ApiError(401, "Authorization required")
    presented = key.strip().encode()
    for known in settings.secret_keys:
        if hmac.compare_digest(known.encode(), presented):
            mode: Literal["test", "live"] = "test" if key_mode(known) == "test" else "live"
            return mode
    raise ApiError(401, "Invalid API Key or User doesn't exist")


def check_mode(transaction: Transaction, mode: Mode) -> None:
    """Raises ApiError 401 when the key and the transaction belong to different modes."""
    if transaction.mode != mode:
        raise ApiError(
            401, f"{mode.capitalize()} secret keys can't be used to verify a {transaction.mode} transaction"
        )
