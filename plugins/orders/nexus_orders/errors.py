"""What the orders refuse."""

from collections.abc import Sequence
from typing import TypeVar

from nexus_kernel import Conflict, FieldError, Invalid, NexusError, NotFound, Unavailable
from nexus_kernel.contracts.orders import CheckoutProblem

E = TypeVar("E", bound=NexusError)


class OrderNotFound(NotFound):
    """There is no such order, or it is a stranger's."""

    code, title = "orders.not_found", "No such order"


class CartEmpty(Conflict):
    """There is nothing to order."""

    code, title = "orders.cart_empty", "The cart is empty"


class OutOfStock(Conflict):
    """Lines that cannot be served; `lines` names each."""

    code, title = "orders.out_of_stock", "Not everything is in stock"


class TotalChanged(Conflict):
    """The total is not the expected one; `total` and `currency` are the new one."""

    code, title = "orders.total_changed", "The total has changed"


class MixedCurrency(Conflict):
    """The lines are priced in several currencies."""

    code, title = "orders.mixed_currency", "One order, one currency"


class TotalOutOfRange(Conflict):
    """The total passes the largest amount."""

    code, title = "orders.total_out_of_range", "The order is too large"


class AlreadyPlaced(Conflict):
    """This filling of the cart was ordered before."""

    code, title = "orders.already_placed", "Already ordered"


class CheckoutRefused(Invalid):
    """A checkout guard has problems with this order; `errors` names each."""

    code, title = "orders.checkout_refused", "This order cannot be placed"


class PriceRuleFailed(Unavailable):
    """A price rule broke, so the total is not known."""

    code, title = "orders.price_rule_failed", "The total cannot be worked out"


class CheckoutGuardFailed(Unavailable):
    """A checkout guard broke, so it is not known whether the order may be placed."""

    code, title = "orders.checkout_guard_failed", "The order cannot be checked"


class ExtensionFailed(Unavailable):
    """A plugin's part of the order broke, so it can be neither worked out nor written."""

    code, title = "orders.extension_failed", "The order cannot be completed"


class CheckoutOvertaken(Conflict):
    """What held before the order does not any more, such as a coupon's last use; `errors` names it."""

    code, title = "orders.checkout_overtaken", "Something changed meanwhile"


class IllegalTransition(Conflict):
    """The order cannot go to this status from where it is; `legal` names where it can go."""

    code, title = "orders.illegal_transition", "Not possible in this status"


class AlreadyPaid(Conflict):
    """Money has come for the order."""

    code, title = "orders.already_paid", "The order is paid"


def refusal(kind: type[E], problems: Sequence[CheckoutProblem]) -> E:
    """An error that names each of these problems."""
    return kind(
        " ".join(problem.message for problem in problems),
        errors=[FieldError(p.field or "body", p.code, p.message) for p in problems],
    )
