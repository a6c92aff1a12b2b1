"""Settings of the Chapa gateway, `NEXUS_PAYMENTS_CHAPA__*`."""

from dataclasses import dataclass

from nexus_kernel import setting


@dataclass(frozen=True)
class ChapaConfig:
    """Keys, addresses, and how long a checkout page lives."""

    secret_key: str = setting(
        "",
        secret=True,
        production=True,
        help="The API secret key, CHASECK_TEST-... or CHASECK-...; its prefix decides between test and live.",
    )
    webhook_secrets: tuple[str, ...] = setting(
        (),
        secret=True,
        production=True,
        help="The secret hash set in Chapa's dashboard; several during a rotation. The API key is tried too.",
    )
    base_url: str = setting("https://api.chapa.co/v1", help="Chapa's API, version 1.")
    checkout_hosts: tuple[str, ...] = setting(
        ("checkout.chapa.co",), help="Hosts that a buyer may be sent to; with its port for a simulator."
    )
    max_amount: int = setting(
        999_999_999,
        minimum=1,
        maximum=999_999_999,
        help="The largest amount of one payment, in whole units; Chapa documents none, yours may have one.",
    )
    partial_refunds: bool = setting(
        True, help="Whether the account can give back a part of a payment; older ones cannot."
    )
    unique_refund_references: bool = setting(
        True,
        help="Chapa documents the reference of a refund as unique. Then one whose answer was lost, and that "
        "Chapa says it never heard of, is sent again under the same reference; else a person looks it up.",
    )
    session_minutes: int = setting(
        60, minimum=5, maximum=60, help="How long a checkout page lives, as set in Chapa's dashboard."
    )
