"""What the orders refuse."""

from collections.abc import Sequence
from typing import TypeVar

from nexus_kernel import Conflict, FieldError, Invalid, NexusError, NotFound, Unavailable
from nexus_kernel.contracts.orders import CheckoutProblem

E = TypeVar("E", bound=NexusError)


class OrderNotFound(NotFound):
    """There is no such order, or it is a stranger's."""

    code, title = "orders.not_found", "No such order"


class NoteNotFound(NotFound):
    """There is no such note about this order."""

    code, title = "orders.note_not_found", "No such note"


class NotInvoiced(Conflict):
    """Nothing was sold by this order, or not yet."""

    code, title = "orders.not_invoiced", "There is no invoice"


class SellerUnnamed(Unavailable):
    """An invoice names its seller, and the shop's settings do not."""

    code, title = "orders.seller_unnamed", "Invoices are not set up"


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


class PartlyShipped(Conflict):
    """Pieces of the order have left already, so it cannot be cancelled."""

    code, title = "orders.partly_shipped", "Part of the order has left"


class CancellationUnderWay(Conflict):
    """The cancellation is approved and the money on its way back, so nothing leaves any more."""

    code, title = "orders.cancellation_under_way", "The order is being cancelled"


class NotLeftToShip(Conflict):
    """That many pieces are not left to ship; `lines` names each item, what was asked and what is left."""

    code, title = "orders.not_left_to_ship", "Not so many pieces are left"


class ShipmentNotFound(NotFound):
    """The order has no such shipment."""

    code, title = "orders.shipment_not_found", "No such shipment"


class RequestNotFound(NotFound):
    """There is no such request."""

    code, title = "orders.request_not_found", "No such request"


class AlreadyDecided(Conflict):
    """Somebody decided about the request before; `state` is where it stands."""

    code, title = "orders.already_decided", "Already decided"


class NothingPaid(Conflict):
    """The shop holds no money for this order."""

    code, title = "orders.nothing_paid", "Nothing to give back"


class UnderReview(Conflict):
    """A payment of the order does not fit; a person looks at it first."""

    code, title = "orders.under_review", "A payment is being looked at"


class RefundTooLarge(Conflict):
    """Less is left to give back; `left` and `currency` say how much."""

    code, title = "orders.refund_too_large", "More than is left"


class RefundRequestOpen(Conflict):
    """An earlier refund request of the order is not over."""

    code, title = "orders.refund_request_open", "Already asked for"


def refusal(kind: type[E], problems: Sequence[CheckoutProblem]) -> E:
    """An error that names each of these problems."""
    return kind(
        " ".join(problem.message for problem in problems),
        errors=[FieldError(p.field or "body", p.code, p.message) for p in problems],
    )
