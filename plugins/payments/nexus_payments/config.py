"""Settings of the payment platform, `NEXUS_PAYMENTS__*`."""

from dataclasses import dataclass

from nexus_kernel import setting


@dataclass(frozen=True)
class PaymentsConfig:
    """Which provider is taken by default, where buyers may return to, and how long things are kept."""

    default_provider: str = setting("", help="The provider when a buyer names none; empty: the first one.")
    return_urls: tuple[str, ...] = setting(
        (),
        help="Origins that a buyer may be sent back to, such as https://shop.example. Empty: the origin of "
        "the public URL, and in development every port of 127.0.0.1 and localhost.",
    )
    call_timeout: float = setting(18.0, minimum=1, maximum=60, help="Seconds that one gateway call may take.")
    wait_for_other: float = setting(
        3.0, minimum=0, maximum=30, help="Seconds to wait for another request that is opening the payment."
    )
    first_check: int = setting(30, minimum=1, maximum=600, help="Seconds until a new payment is looked at.")
    expiry_margin: int = setting(
        600, minimum=0, maximum=86_400, help="Seconds after the deadline until an unpaid attempt is closed."
    )
    raw_retention_days: int = setting(90, minimum=1, help="How long the bodies of webhooks are kept.")
