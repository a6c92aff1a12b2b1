"""Turns an initialize body into a PaymentRequest or into the gateway's complaints."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nexus_chapa_sim.core.model import Customization, PaymentRequest
from nexus_chapa_sim.core.money import CENT, CURRENCIES
from nexus_chapa_sim.settings import Settings
from nexus_chapa_sim.v1 import rules
from nexus_chapa_sim.v1.envelope import ApiError

Rule = Callable[[Any], str | None]

_FIELDS: dict[str, Rule] = {
    "amount": rules.amount,
    "currency": rules.text,
    "tx_ref": rules.tx_ref,
    "email": rules.email,
    "first_name": rules.text,
    "last_name": rules.text,
    "phone_number": rules.phone,
    "callback_url": rules.url,
    "return_url": rules.url,
    "customization": rules.mapping,
    "meta": rules.mapping,
}
_REQUIRED = ("amount", "currency", "tx_ref")


def payment_request(body: dict[str, Any], settings: Settings) -> PaymentRequest:
    """A request whose every member holds the documented rules.

    Raises ApiError 400: with an object of complaints per field, or about a currency that is not supported.
    """
    _check_fields(body, settings)
    currency = body["currency"].upper()
    if currency not in CURRENCIES:
        raise ApiError(400, f"Invalid currency, {body['currency']} is not supported")
    shown = body.get("customization") or {}
    return PaymentRequest(
        tx_ref=body["tx_ref"],
        amount=Decimal(str(body["amount"])).quantize(CENT),
        currency=currency,
        email=body.get("email"),
        first_name=body.get("first_name"),
        last_name=body.get("last_name"),
        phone_number=body.get("phone_number"),
        callback_url=body.get("callback_url"),
        return_url=body.get("return_url"),
        customization=Customization(shown.get("title"), shown.get("description"), shown.get("logo")),
        meta=body.get("meta"),
    )


def _check_fields(body: dict[str, Any], settings: Settings) -> None:
    complaints = {name: rules.REQUIRED for name in _REQUIRED if body.get(name) is None}
    for name, rule in _FIELDS.items():
        if body.get(name) is not None and (complaint := rule(body[name])):
            complaints[name] = complaint
    if isinstance(body.get("customization"), dict):
        complaints |= _customization_complaints(body["customization"], settings)
    if complaints:
        raise ApiError(400, {name: [complaint] for name, complaint in complaints.items()})


def _customization_complaints(shown: dict[str, Any], settings: Settings) -> dict[str, str]:
    checks: dict[str, Callable[[str, Any], str | None]] = {
        "title": lambda name, value: rules.limited(name, value, settings.title_limit),
        "description": lambda name, value: rules.description(name, value, settings.description_limit),
        "logo": lambda _, value: rules.url(value),
    }
    complaints = {}
    for member, check in checks.items():
        name = f"customization.{member}"
        if shown.get(member) is not None and (complaint := check(name, shown[member])):
            complaints[name] = complaint
    return complaints
