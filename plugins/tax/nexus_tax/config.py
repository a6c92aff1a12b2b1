"""Settings of the tax, `NEXUS_TAX__*`."""

from dataclasses import dataclass

from nexus_kernel import setting

ROUNDINGS = ("per_line", "per_order")


@dataclass(frozen=True)
class TaxConfig:
    """How tax is rounded."""

    rounding: str = setting(
        ROUNDINGS[0],
        choices=ROUNDINGS,
        help="per_line: each line's tax is rounded half up, and the total is their sum. per_order: the tax "
        "of the whole order is rounded half up once, and shared out among its lines by largest remainder.",
    )
