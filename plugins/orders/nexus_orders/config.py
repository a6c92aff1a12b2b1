"""Settings of the orders, `NEXUS_ORDERS__*`."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from nexus_kernel import setting


def _check_series(text: str) -> None:
    if not re.fullmatch(r"[A-Z0-9]{1,10}", text):
        raise ValueError("must be 1 to 10 capitals and digits, such as INV")


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be a time zone such as Africa/Addis_Ababa") from None


@dataclass(frozen=True)
class OrdersConfig:
    """How long an unpaid order holds its stock, and what invoices say of the seller."""

    expiry_margin_minutes: int = setting(
        15,
        minimum=0,
        maximum=1440,
        help="An unpaid order expires this long after its payment method's own term.",
    )
    seller_name: str = setting("", help="Who sells, on invoices. Production issues none without it.")
    seller_address: str = setting("", help="The seller's address on invoices; line breaks are kept.")
    seller_tax_id: str = setting("", help="The seller's tax id on invoices, such as a TIN.")
    invoice_series: str = setting(
        "INV", check=_check_series, help="What invoice numbers begin with; each series counts for itself."
    )
    invoice_time_zone: str = setting(
        "UTC", check=_check_zone, help="Where the day and the year of an invoice begin."
    )
