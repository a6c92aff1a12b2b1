"""Split payments: the checks that an initialize call with subaccounts goes through."""

from decimal import Decimal
from typing import Any

from nexus_chapa_sim.core.model import PaymentRequest
from nexus_chapa_sim.core.money import parse_amount, percentage
from nexus_chapa_sim.settings import Settings, Subaccount
from nexus_chapa_sim.v1.envelope import ApiError

UNKNOWN = "subaccount id not associated"
FLAT_TOO_SMALL = "Merchant fee is greater than split flat amount."
SHARE_TOO_SMALL = "Merchant's share of payment is not enough to cover transaction fee."


def check_subaccounts(value: Any, request: PaymentRequest, settings: Settings) -> None:
    """Accepts one object or a list of them, as clients send both; raises ApiError 400.

    The split value is the merchant's own share, out of which the gateway takes its fee.
    """
    fee = percentage(request.amount, settings.fee_percent)
    for entry in _entries(value):
        registered = _registered(entry, settings)
        split_type = entry.get("split_type") or registered.split_type
        share = _share(entry, registered)
        if split_type == "flat" and share < fee:
            raise ApiError(400, FLAT_TOO_SMALL)
        if split_type == "percentage" and request.amount * share < fee:
            raise ApiError(400, SHARE_TOO_SMALL)


def _entries(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        values = [value] if "id" in value else list(value.values())
    else:
        values = value if isinstance(value, list) else [value]
    entries = [entry for entry in values if isinstance(entry, dict)]
    if len(entries) != len(values):
        raise ApiError(400, {"subaccounts": ["validation.array"]})
    return entries


def _registered(entry: dict[str, Any], settings: Settings) -> Subaccount:
    for subaccount in settings.subaccounts:
        if subaccount.id == entry.get("id"):
            return subaccount
    raise ApiError(400, UNKNOWN)


def _share(entry: dict[str, Any], registered: Subaccount) -> Decimal:
    if entry.get("split_type") not in {None, "flat", "percentage"}:
        raise ApiError(400, {"subaccounts.split_type": ["validation.in"]})
    if entry.get("split_value") is None:
        return registered.split_value
    share = parse_amount(entry["split_value"])
    if share is None or share < 0:
        raise ApiError(400, {"subaccounts.split_value": ["validation.numeric"]})
    return share
