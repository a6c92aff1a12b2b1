"""Bodies of erasing and exporting a person."""

import marshmallow as ma

from nexus_accounts.schemas.fields import Password
from nexus_kernel import Schema


class EraseMeSchema(Schema):
    """The password, so that a device left open does not erase its owner."""

    current_password = Password(required=True)


class ExportSchema(Schema):
    """Everything that is kept of a person."""

    person_id = ma.fields.UUID(required=True)
    exported_at = ma.fields.DateTime(required=True)
    sections = ma.fields.Dict(
        keys=ma.fields.String(),
        required=True,
        metadata={"description": "By plugin; what is inside is the plugin's."},
    )
