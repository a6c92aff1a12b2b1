"""Routes: one's own addresses."""

from typing import Any
from uuid import UUID

from nexus_accounts.models import SavedAddress
from nexus_accounts.schemas.address_book import AddressSchema, AddressUpdateSchema, NewAddressSchema
from nexus_accounts.services.address_book import AddressBook
from nexus_accounts.views.blueprint import blp
from nexus_kernel import PageQuery, current_actor, page_of, paginate, reading, transaction

URL = "/accounts/addresses/"
ONE = f"{URL}<uuid:address_id>/"
ORDER = [SavedAddress.is_default, SavedAddress.id]


@blp.get(URL)
@blp.requires("accounts.address.use")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(AddressSchema))
def list_addresses(args: dict[str, Any]) -> dict[str, Any]:
    """One's own addresses, the default first, then the newest."""
    with reading() as session:
        mine = AddressBook(session, current_actor().person_id).mine()
        return paginate(session, mine, order=ORDER, args=args, present=lambda row: row.SavedAddress)


@blp.post(URL)
@blp.requires("accounts.address.use")
@blp.idempotent()
@blp.arguments(NewAddressSchema)
@blp.response(201, AddressSchema)
def create_address(data: dict[str, Any]) -> tuple[SavedAddress, dict[str, str]]:
    """Keep an address; the first one is the default."""
    with transaction() as session:
        address = AddressBook(session, current_actor().person_id).add(data)
    return address, {"Location": f"/api{URL}{address.id}/"}


@blp.get(ONE)
@blp.requires("accounts.address.use")
@blp.response(200, AddressSchema)
def get_address(address_id: UUID) -> SavedAddress:
    """One of one's own addresses."""
    with reading() as session:
        return AddressBook(session, current_actor().person_id).get(address_id)


@blp.put(ONE)
@blp.requires("accounts.address.use")
@blp.arguments(NewAddressSchema)
@blp.response(200, AddressSchema)
def replace_address(data: dict[str, Any], address_id: UUID) -> SavedAddress:
    """Write an address anew; what is left out becomes empty."""
    with transaction() as session:
        return AddressBook(session, current_actor().person_id).change(address_id, data)


@blp.patch(ONE)
@blp.requires("accounts.address.use")
@blp.arguments(AddressUpdateSchema)
@blp.response(200, AddressSchema)
def update_address(changes: dict[str, Any], address_id: UUID) -> SavedAddress:
    """Change an address, or make it the default."""
    with transaction() as session:
        return AddressBook(session, current_actor().person_id).change(address_id, changes)


@blp.delete(ONE)
@blp.requires("accounts.address.use")
@blp.response(204)
def delete_address(address_id: UUID) -> None:
    """Forget an address."""
    with transaction() as session:
        AddressBook(session, current_actor().person_id).remove(address_id)
