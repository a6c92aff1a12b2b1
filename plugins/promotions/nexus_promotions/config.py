"""Settings of the promotions, `NEXUS_PROMOTIONS__*`."""

from dataclasses import dataclass

from nexus_kernel import check_rate, setting


@dataclass(frozen=True)
class PromotionsConfig:
    """How often a person may guess codes."""

    wrong_code_rate: str = setting(
        "20/hour",
        check=check_rate,
        help="Different wrong codes of a person, wherever they are tried; past it every code is refused for a"
        " while. An empty rate is no limit.",
    )
    check_rate: str = setting(
        "60/hour", check=check_rate, help="Codes that a person tries on the cart, right or wrong."
    )
