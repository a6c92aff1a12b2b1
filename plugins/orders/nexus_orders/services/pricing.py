"""From a cart's lines to a frozen total: price rules by phase, then the guards."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from nexus_kernel import FieldError, Money
from nexus_kernel.contracts.cart import CartLine
from nexus_kernel.contracts.catalog import Shortage, VariantView
from nexus_kernel.contracts.orders import (
    Address,
    Adjustment,
    CheckoutGuard,
    PricePhase,
    PriceRule,
    Quote,
    QuoteLine,
)
from nexus_orders import errors

log = logging.getLogger("nexus.orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """An adjustment as it counts: a discount is cut where it would pass the subtotal."""

    phase: PricePhase
    rule: str
    label: str
    amount: Money
    rate: Decimal | None


def split_retired(
    lines: Iterable[CartLine], variants: Mapping[UUID, VariantView]
) -> tuple[tuple[CartLine, ...], tuple[CartLine, ...]]:
    """The lines that are for sale, and those that are not any more."""
    kept, retired = [], []
    for line in lines:
        variant = variants.get(line.variant_id)
        (kept if variant is not None and variant.is_active else retired).append(line)
    return tuple(kept), tuple(retired)


def left_out(retired: Iterable[CartLine], variants: Mapping[UUID, VariantView]) -> str:
    """What the history says of lines that were not ordered; nothing when there are none."""
    known = (variants.get(line.variant_id) for line in retired)
    titles = [variant.title if variant else "a product that was deleted" for variant in known]
    return f" without what is not for sale any more: {', '.join(titles)}" if titles else ""


def shortages(lines: Iterable[CartLine], variants: Mapping[UUID, VariantView]) -> list[Shortage]:
    """The lines that cannot be served; of a product that is not for sale nothing is available."""
    found = []
    for line in lines:
        variant = variants.get(line.variant_id)
        available = variant.available if variant and variant.is_active else 0
        if available < line.quantity:
            found.append(Shortage(variant_id=line.variant_id, requested=line.quantity, available=available))
    return found


def out_of_stock(found: Sequence[Shortage], variants: Mapping[UUID, VariantView]) -> errors.OutOfStock:
    """The error that names each of these lines."""
    lines = [
        {
            "variant_id": str(shortage.variant_id),
            "title": variants[shortage.variant_id].title if shortage.variant_id in variants else "",
            "requested": shortage.requested,
            "available": shortage.available,
        }
        for shortage in found
    ]
    sentences = [
        f"{line['title'] or 'A product that is not sold any more'}: {line['requested']} requested, "
        f"{line['available']} available"
        for line in lines
    ]
    faults = [FieldError("items", "out_of_stock", sentence) for sentence in sentences]
    return errors.OutOfStock("; ".join(sentences) + ".", errors=faults, lines=lines)


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

    Raises PriceRuleFailed where a rule raises, or returns a negative amount or one of another currency.
    """
    rules, priced, applied = list(rules), bare, []
    for phase in PricePhase:
        added: list[Applied] = []
        room = bare.subtotal if phase is PricePhase.DISCOUNT else None
        for rule in (rule for rule in rules if rule.phase == phase):
            for adjustment in _run(rule, priced):
                amount = adjustment.amount if room is None else min(adjustment.amount, room)
                room = None if room is None else room - amount
                added.append(
                    Applied(
                        phase=phase,
                        rule=rule.code,
                        label=adjustment.label,
                        amount=amount,
                        rate=adjustment.rate,
                    )
                )
        sum_of_phase = sum((a.amount for a in added), Money.zero(bare.currency))
        priced = replace(priced, **{phase.value: sum_of_phase})
        applied += added
    return priced, applied


def check_guards(priced: Quote, guards: Iterable[CheckoutGuard]) -> None:
    """Raises CheckoutRefused with every guard's problems, or CheckoutGuardFailed."""
    problems = []
    for guard in guards:
        try:
            problems += list(guard.check(priced))
        except SQLAlchemyError:
            raise
        except Exception as error:
            log.exception("the checkout guard %s failed", guard.code)
            raise errors.CheckoutGuardFailed("Try again in a while; nothing was ordered.") from error
    if problems:
        raise errors.refusal(errors.CheckoutRefused, problems)


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


def _run(rule: PriceRule, priced: Quote) -> list[Adjustment]:
    try:
        adjustments = list(rule.apply(priced))
        for adjustment in adjustments:
            if adjustment.amount < Money.zero(priced.currency):
                raise ValueError(f"{adjustment.label!r} is negative: {adjustment.amount}")
    except SQLAlchemyError:
        raise
    except Exception as error:
        log.exception("the price rule %s failed", rule.code)
        raise errors.PriceRuleFailed("Try again in a while; nothing was ordered.") from error
    return adjustments
