"""What the cart refuses."""

from nexus_kernel import Conflict, Invalid, NotFound


class ItemNotFound(NotFound):
    """The person's cart has no such line."""

    code, title = "cart.item_not_found", "No such line in the cart"


class ProductUnknown(Invalid):
    """There is no such product or variant."""

    code, title = "cart.product_unknown", "Unknown product"


class ProductUnavailable(Conflict):
    """The product is not for sale any more."""

    code, title = "cart.unavailable", "Not for sale"


class InsufficientStock(Conflict):
    """Fewer pieces are left than the line would hold; `available` and `in_cart` say how many."""

    code, title = "cart.insufficient_stock", "Not enough in stock"


class QuantityLimit(Conflict):
    """A line holds at most 999 pieces."""

    code, title = "cart.quantity_limit", "Too many pieces in one line"


class TotalOutOfRange(Conflict):
    """The line or the cart would pass the largest amount that the API can name."""

    code, title = "cart.total_out_of_range", "The cart is too large"


class CartFull(Conflict):
    """The cart holds as many lines as it may."""

    code, title = "cart.full", "The cart is full"


class CurrencyMixed(Conflict):
    """The cart holds products of another currency."""

    code, title = "cart.currency_mixed", "One cart, one currency"


class TokenUnknown(NotFound):
    """No guest's cart has this token: it never did, or the cart expired or was merged."""

    code, title = "cart.token_unknown", "No cart has this token"

    def __init__(self) -> None:
        super().__init__("The cart expired or was merged; leave the token out to begin a new one.")
