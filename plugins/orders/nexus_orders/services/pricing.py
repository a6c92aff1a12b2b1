"""From a cart's lines to a frozen total: price rules by phase, then the guards."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from nexus_kernel import Money
from nexus_kernel.contracts.cart import CartLine
from nexus_kernel.contracts.catalog import VariantView
from nexus_kernel.contracts.orders import (
    Address,
    Adjustment,
    CheckoutGuard,
    CheckoutProblem,
    PricePhase,
    PriceRule,
    Quote,
    QuoteLine,
)
from nexus_kernel.money import LARGEST_MINOR, exponent
from nexus_orders import errors
from nexus_orders.services.shares import Shares

log = logging.getLogger("nexus.orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """An adjustment as it counts: a discount is cut where it would pass what is left of the lines."""

    phase: PricePhase
    rule: str
    label: str
    amount: Money
    rate: Decimal | None
    included: bool


def quote(
    user_id: UUID,
    lines: Iterable[CartLine],
    variants: Mapping[UUID, VariantView],
    address: Address,
    payment_method: str,
) -> Quote:
    """The quote before any rule. Raises MixedCurrency."""
    quoted = tuple(_quote_line(line, variants[line.variant_id]) for line in lines)
    currencies = {line.unit_price.currency for line in quoted}
    if len(currencies) != 1:
        raise errors.MixedCurrency(f"The cart mixes {' and '.join(sorted(currencies))}; order them apart.")
    (currency,) = currencies
    zero = Money.zero(currency)
    return Quote(
        user_id=user_id,
        lines=quoted,
        currency=currency,
        shipping_address=address,
        payment_method=payment_method,
        subtotal=sum((line.total for line in quoted), zero),
        discount=zero,
        shipping=zero,
        tax=zero,
    )


def apply_rules(bare: Quote, rules: Iterable[PriceRule]) -> tuple[Quote, list[Applied]]:
    """The quote with every rule's adjustments, phase by phase, and what they were.

    Raises PriceRuleFailed where a rule raises, or returns what `Adjustment` does not allow.
    """
    rules, priced, applied = list(rules), bare, list[Applied]()
    for phase in PricePhase:
        of_phase = [rule for rule in rules if rule.phase == phase]
        if not of_phase:
            continue
        shares = Shares(priced, phase)
        for rule in of_phase:
            applied += _run(rule, priced, shares)
        priced = shares.applied()
    return priced, applied


def checked(problems: Iterable[CheckoutProblem]) -> list[CheckoutProblem]:
    """These problems of a guard or an extension. Raises TypeError for anything else."""
    found = list(problems)
    if strange := [problem for problem in found if not isinstance(problem, CheckoutProblem)]:
        raise TypeError(f"{strange[0]!r} is no CheckoutProblem")
    return found


def in_bounds(priced: Quote, applied: Iterable[Applied]) -> None:
    """Raises TotalOutOfRange: twelve digits before the point is the bound of each amount of an order."""
    amounts = (priced.subtotal, priced.shipping, priced.tax, priced.total, *(a.amount for a in applied))
    bound = min(LARGEST_MINOR, 10 ** (12 + exponent(priced.currency)) - 1)
    if any(amount.minor > bound for amount in amounts):
        raise errors.TotalOutOfRange("Order fewer pieces at a time.")


def problems_of(priced: Quote, guards: Iterable[CheckoutGuard]) -> list[CheckoutProblem]:
    """Every guard's problems with this quote. Raises CheckoutGuardFailed."""
    problems = list[CheckoutProblem]()
    for guard in guards:
        try:
            problems += checked(guard.check(priced))
        except SQLAlchemyError:
            raise
        except Exception as error:
            log.exception("the checkout guard %s failed", guard.code)
            raise errors.CheckoutGuardFailed("Try again in a while; nothing was ordered.") from error
    return problems


def _quote_line(line: CartLine, variant: VariantView) -> QuoteLine:
    return QuoteLine(
        variant_id=variant.id,
        product_id=variant.product_id,
        sku=variant.sku,
        title=variant.title,
        quantity=line.quantity,
        unit_price=variant.price,
        discount=Money.zero(variant.price.currency),
        tax=Money.zero(variant.price.currency),
        weight_grams=variant.weight_grams,
    )


def _run(rule: PriceRule, priced: Quote, shares: Shares) -> list[Applied]:
    try:
        return [_applied(rule, adjustment, shares.add(adjustment)) for adjustment in rule.apply(priced)]
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception("the price rule %s failed", rule.code)
        raise errors.PriceRuleFailed("Try again in a while; nothing was ordered.") from error


def _applied(rule: PriceRule, adjustment: Adjustment, counted: Money) -> Applied:
    return Applied(
        phase=rule.phase,
        rule=rule.code,
        label=adjustment.label,
        amount=counted,
        rate=adjustment.rate,
        included=adjustment.included,
    )
