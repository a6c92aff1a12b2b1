"""Where an order goes: as the buyer wrote it, or out of their address book."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from nexus_kernel import current_nexus, invalid_field, services
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.orders import Address
from nexus_orders.schemas.addresses import AddressSchema

_FIELD = "shipping_address_id"


def destination(user_id: UUID, given: Mapping[str, Any]) -> Address:
    """The address in `shipping_address`, or the one of this person that `shipping_address_id` names.

    Raises Invalid for an id that is not one of theirs, and where no plugin keeps addresses. One query for an
    id, none otherwise.
    """
    if "shipping_address" in given:
        return Address(**given["shipping_address"])
    if AccountService not in current_nexus().services.contracts():
        raise invalid_field(_FIELD, "This shop keeps no addresses; send shipping_address.", "unsupported")
    found = services.get(AccountService).get_address(user_id, given[_FIELD])
    if found is None:
        raise invalid_field(_FIELD, "There is no such address in your address book.", "unknown_id")
    if faults := AddressSchema().validate(asdict(found)):
        raise invalid_field(_FIELD, f"The address cannot be used; mend {', '.join(sorted(faults))}.")
    return found
