"""What the platform does: opening attempts, asking gateways, settling, and the webhook inbox."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.orm import Session

from nexus_kernel import current_nexus
from nexus_kernel.contracts.payments import MethodView


class Payments:
    """The `PaymentService` of the contracts."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def methods(self) -> Mapping[str, MethodView]:
        """The ways to pay that are switched on, by code. No query."""
        return MappingProxyType(
            {
                code: MethodView(
                    code=code,
                    display_name=provider.info.display_name,
                    currencies=provider.info.currencies,
                    pending_ttl=provider.info.pending_ttl,
                )
                for code, provider in current_nexus().payment_providers.items()
            }
        )
