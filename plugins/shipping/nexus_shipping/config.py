"""Settings of the shipping, `NEXUS_SHIPPING__*`."""

from dataclasses import dataclass

from nexus_kernel import check_rate, setting


@dataclass(frozen=True)
class ShippingConfig:
    """Whether an order must be shipped, and how often strangers may ask what it costs."""

    required: bool = setting(
        True,
        help="An order needs a method as soon as there is an active one; the only one that takes it is taken "
        "by itself. False: an order without a method is one that nobody ships.",
    )
    quote_rate: str = setting(
        "120/minute", check=check_rate, help="Questions what shipping costs, from one client network."
    )
