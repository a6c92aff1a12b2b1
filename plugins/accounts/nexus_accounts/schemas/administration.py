"""Bodies and parameters of what staff do with accounts."""

import marshmallow as ma

from nexus_accounts.schemas.people import ProfileSchema
from nexus_accounts.services.administration import known_roles
from nexus_accounts.services.finding import ORDERS
from nexus_kernel import PageQuery, Schema, Text


def _known(role: str) -> None:
    if role not in known_roles():
        raise ma.ValidationError(f"Must be one of: {', '.join(sorted(known_roles()))}.")


class UserQuery(PageQuery):
    """Which accounts, in which order."""

    q = Text(
        100,
        minimum=1,
        metadata={
            "description": "Words, each of which begins a word of the address, the username or the names."
        },
    )
    role = ma.fields.String(validate=_known, metadata={"description": "Only people with this role."})
    is_active = ma.fields.Boolean(metadata={"description": "Only open, or only closed accounts."})
    verified = ma.fields.Boolean(metadata={"description": "Only confirmed, or only unconfirmed addresses."})
    sort = ma.fields.String(
        load_default="-created_at",
        validate=ma.validate.OneOf(list(ORDERS)),
        metadata={"description": "The order; `-` reverses it."},
    )


class UserUpdateSchema(Schema):
    """Changes of somebody's account; what is left out stays."""

    first_name = Text(150)
    last_name = Text(150)
    is_active = ma.fields.Boolean(metadata={"description": "False closes the account."})


class RoleSchema(Schema):
    """A role to grant."""

    role = Text(50, minimum=1, required=True)


class SessionSchema(Schema):
    """A device that somebody is signed in on."""

    id = ma.fields.UUID(required=True)
    device = ma.fields.String(required=True, metadata={"description": "What the client called itself."})
    network = ma.fields.String(required=True, metadata={"description": "The /24 or /48 it signed in from."})
    created_at = ma.fields.DateTime(required=True)
    rotated_at = ma.fields.DateTime(required=True, allow_none=True)
    expires_at = ma.fields.DateTime(required=True)


class PersonProfileSchema(ProfileSchema):
    """A profile as staff see it."""

    user_id = ma.fields.UUID(required=True)
