"""Which of a cart's lines can be ordered, and what is said of the others."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from nexus_kernel import FieldError
from nexus_kernel.contracts.cart import CartLine
from nexus_kernel.contracts.catalog import Shortage, VariantView
from nexus_orders import errors

Variants = Mapping[UUID, VariantView]


def split_retired(
    lines: Iterable[CartLine], variants: Variants
) -> tuple[tuple[CartLine, ...], tuple[CartLine, ...]]:
    """The lines that are for sale, and those that are not any more."""
    kept, retired = [], []
    for line in lines:
        variant = variants.get(line.variant_id)
        (kept if variant is not None and variant.is_active else retired).append(line)
    return tuple(kept), tuple(retired)


def left_out(retired: Iterable[CartLine], variants: Variants) -> str:
    """What the history says of lines that were not ordered; nothing when there are none."""
    known = (variants.get(line.variant_id) for line in retired)
    titles = [variant.title if variant else "a product that was deleted" for variant in known]
    return f" without what is not for sale any more: {', '.join(titles)}" if titles else ""


def shortages(lines: Iterable[CartLine], variants: Variants) -> list[Shortage]:
    """The lines that cannot be served; of a product that is not for sale nothing is available."""
    found = []
    for line in lines:
        variant = variants.get(line.variant_id)
        available = variant.available if variant and variant.is_active else 0
        if available < line.quantity:
            found.append(Shortage(variant_id=line.variant_id, requested=line.quantity, available=available))
    return found


def out_of_stock(found: Sequence[Shortage], variants: Variants) -> errors.OutOfStock:
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
    sentences = [sentence(shortage, variants) for shortage in found]
    faults = [FieldError("items", "out_of_stock", sentence) for sentence in sentences]
    return errors.OutOfStock("; ".join(sentences) + ".", errors=faults, lines=lines)


def sentence(shortage: Shortage, variants: Variants) -> str:
    """A shortage in words, without a full stop."""
    variant = variants.get(shortage.variant_id)
    title = variant.title if variant else "A product that is not sold any more"
    return f"{title}: {shortage.requested} requested, {shortage.available} available"
