"""What an order of the cart would cost: the steps of a checkout that write and lock nothing."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from nexus_kernel import Money, current_nexus, services
from nexus_kernel.contracts.cart import CartLine, CartService
from nexus_kernel.contracts.catalog import CatalogService
from nexus_kernel.contracts.orders import CheckoutProblem, Quote, QuoteLine
from nexus_kernel.contracts.payments import MethodView
from nexus_orders import errors
from nexus_orders.services import availability, extensions, pricing
from nexus_orders.services.availability import Variants
from nexus_orders.services.destinations import destination
from nexus_orders.services.methods import find_method, refusal_of, takes


def quote_cart(user_id: UUID, given: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a quote of this person's cart; `given` is what `AskQuoteSchema` loads.

    Lines that are not for sale any more are left out of the amounts, as they are of an order at an expected
    total, and told as problems; so are shortages, a currency that cannot be paid, and what guards find. Two
    queries, a third for an address by its id, and those of the extensions. Raises CartEmpty, OutOfStock where
    nothing in the cart is for sale, MixedCurrency, TotalOutOfRange, Invalid, and the errors of what breaks.
    """
    code = given.get("payment_method")
    method = None if code is None else find_method(code)
    address = destination(user_id, given)
    cart = services.get(CartService).get(user_id)
    if cart is None or not cart.lines:
        raise errors.CartEmpty("Put something into the cart first.")
    variants = services.get(CatalogService).get_variants([line.variant_id for line in cart.lines])
    lines, _ = availability.split_retired(cart.lines, variants)
    if not lines:
        raise availability.out_of_stock(availability.shortages(cart.lines, variants), variants)
    bare = pricing.quote(user_id, lines, variants, address, code or "")
    priced, applied = work_out(bare, given["extensions"])
    problems = [
        *_short(cart.lines, variants),
        *_unpayable(method, priced.currency),
        *map(_problem, pricing.problems_of(priced, current_nexus().checkout_guards.values())),
    ]
    return {**_amounts(priced, applied), "problems": problems}


def work_out(bare: Quote, requested: Mapping[str, Any]) -> tuple[Quote, list[pricing.Applied]]:
    """The quote with the facts of the extensions and the amounts of the rules, and what those were.

    Raises ExtensionFailed, PriceRuleFailed or TotalOutOfRange.
    """
    nexus = current_nexus()
    asked = extensions.prepare(bare, requested, nexus.order_extensions.values())
    priced, applied = pricing.apply_rules(asked, nexus.price_rules.values())
    pricing.in_bounds(priced, applied)
    return priced, applied


def _amounts(priced: Quote, applied: Iterable[pricing.Applied]) -> dict[str, Any]:
    applied = list(applied)
    names = ("currency", "subtotal", "discount", "shipping", "tax", "total")
    zero = Money.zero(priced.currency)
    return {
        **{name: getattr(priced, name) for name in names},
        "tax_included": sum((a.amount for a in applied if a.included), zero),
        "items": [_item(line) for line in priced.lines],
        "adjustments": [_adjustment(a) for a in applied],
    }


def _item(line: QuoteLine) -> dict[str, Any]:
    names = ("product_id", "variant_id", "sku", "title", "quantity", "unit_price", "discount", "tax")
    return {
        **{name: getattr(line, name) for name in names},
        "line_total": line.total,
        "total": line.net + line.tax,
    }


def _adjustment(applied: pricing.Applied) -> dict[str, Any]:
    rate = None if applied.rate is None else f"{applied.rate:f}"
    names = ("phase", "label", "amount", "included")
    return {**{name: getattr(applied, name) for name in names}, "rate": rate}


def _short(lines: Iterable[CartLine], variants: Variants) -> list[dict[str, Any]]:
    return [
        {
            "code": errors.OutOfStock.code,
            "message": f"{availability.sentence(shortage, variants)}.",
            "field": "items",
            "variant_id": shortage.variant_id,
            "available": shortage.available,
        }
        for shortage in availability.shortages(lines, variants)
    ]


def _unpayable(method: MethodView | None, currency: str) -> list[dict[str, Any]]:
    if method is None or takes(method, currency):
        return []
    message = refusal_of(method, currency)
    return [_problem(CheckoutProblem(code="unsupported_currency", message=message, field="payment_method"))]


def _problem(problem: CheckoutProblem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        "field": problem.field,
        "variant_id": None,
        "available": None,
    }
