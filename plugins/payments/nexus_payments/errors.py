"""What can go wrong with a payment, as an API client sees it."""

from nexus_kernel import Conflict, Invalid, NexusError, NotFound, Unavailable


class PayableNotFound(NotFound):
    """There is no such order, or it is a stranger's."""

    code, title = "payments.payable_not_found", "There is nothing to pay for under this id"


class PaymentNotFound(NotFound):
    """There is no such payment, or it is a stranger's."""

    code, title = "payments.not_found", "There is no such payment"


class NotPayable(Conflict):
    """It cannot be paid now: it is cancelled, paid, or being looked into."""

    code, title = "payments.not_payable", "This cannot be paid now"


class ProviderNotAvailable(Conflict):
    """The provider cannot take this amount or this currency."""

    code, title = "payments.provider_not_available", "This way to pay is not available here"


class PaymentInProgress(Conflict):
    """Another request is opening the payment right now."""

    code, title = "payments.in_progress", "The payment is being opened"

    def __init__(self) -> None:
        super().__init__("Try again in two seconds.", headers={"Retry-After": "2"})


class PaymentRejected(Invalid):
    """The gateway refused to open the payment; another attempt may be made."""

    code, title = "payments.rejected", "The payment was refused"


class ProviderMisconfigured(NexusError):
    """The gateway refused the shop itself: a key, an account, a permission."""

    status, code, title = 502, "payments.provider_misconfigured", "This way to pay is out of order"


class ProviderUnavailable(Unavailable):
    """The gateway did not answer clearly; nothing is lost, and the payment may be tried again."""

    code, title = "payments.provider_unavailable", "The payment gateway does not answer"

    def __init__(self) -> None:
        super().__init__("Nothing was paid. Try again in a moment.", headers={"Retry-After": "5"})


class NotRefundable(Conflict):
    """There is no money that could be given back."""

    code, title = "payments.not_refundable", "There is nothing to give back"


class RefundTooLarge(Conflict):
    """More than was collected and is not given back or asked for yet; `available` is what is left."""

    code, title = "payments.refund_too_large", "This is more than can be given back"


class RefundReferenceUsed(Conflict):
    """The caller's name of a refund belongs to a refund of something else."""

    code, title = "payments.refund_reference_used", "The reference of the refund is taken"


class RefundNotFound(NotFound):
    """There is no such refund."""

    code, title = "payments.refund_not_found", "There is no such refund"


class RefundNotWaiting(Conflict):
    """The refund does not wait for a person."""

    code, title = "payments.refund_not_waiting", "This refund does not wait for a person"


class RefundAtGateway(Conflict):
    """The refund may be at the gateway already, so that it is not sent again."""

    code, title = "payments.refund_at_gateway", "This refund may have been given already"


class UnknownProvider(NotFound):
    """No provider of this code is installed."""

    code, title = "payments.unknown_provider", "There is no such payment provider"


class WebhookRefused(NexusError):
    """The webhook's signature is missing or wrong."""

    status, code, title = 401, "payments.webhook_unauthorized", "The signature does not hold"


class WebhookUnreadable(NexusError):
    """The webhook is authentic and cannot be read."""

    status, code, title = 400, "payments.webhook_malformed", "The webhook cannot be read"
