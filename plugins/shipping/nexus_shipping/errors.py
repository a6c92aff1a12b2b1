"""What the shipping refuses."""

from nexus_kernel import Conflict, NotFound


class MethodNotFound(NotFound):
    """There is no such method."""

    code, title = "shipping.method_not_found", "No such method"


class CodeTaken(Conflict):
    """Another method has this code."""

    code, title = "shipping.code_taken", "The code is taken"


class CartEmpty(Conflict):
    """There is nothing to ship."""

    code, title = "shipping.cart_empty", "The cart is empty"
