"""The ways to pay, as a checkout asks for them."""

from nexus_kernel import invalid_field, services
from nexus_kernel.contracts.payments import MethodView, PaymentService


def find_method(code: str) -> MethodView:
    """The way to pay of this code. Raises Invalid where it is not offered."""
    methods = services.get(PaymentService).methods()
    if code not in methods:
        offered = ", ".join(sorted(methods)) or "none"
        raise invalid_field("payment_method", f"Must be one of: {offered}.", "unknown_method")
    return methods[code]


def check_currency(method: MethodView, currency: str) -> None:
    """Raises Invalid where this way to pay does not take the currency."""
    if not takes(method, currency):
        raise invalid_field("payment_method", refusal_of(method, currency), "unsupported_currency")


def takes(method: MethodView, currency: str) -> bool:
    """Whether this way to pay takes the currency."""
    return method.currencies is None or currency in method.currencies


def refusal_of(method: MethodView, currency: str) -> str:
    """What a buyer is told who cannot pay in this currency."""
    return f"{method.display_name} does not take {currency}."
