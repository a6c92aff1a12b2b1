"""What the cart does: fill it, merge it, hand it to the checkout, notice that it was left alone."""

from nexus_cart.services.carts import Carts
from nexus_cart.services.checkout import CartCheckout
from nexus_cart.services.privacy import CartData

__all__ = ["CartCheckout", "CartData", "Carts"]
