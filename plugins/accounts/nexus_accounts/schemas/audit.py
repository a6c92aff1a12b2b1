"""The audit record as it is read."""

from datetime import UTC

import marshmallow as ma

from nexus_accounts.models import Act
from nexus_kernel import PageQuery, Schema


class AuditEntrySchema(Schema):
    """An act."""

    id = ma.fields.UUID(required=True)
    created_at = ma.fields.DateTime(required=True)
    act = ma.fields.String(required=True)
    subject_id = ma.fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "To whom; null: an unknown address."},
    )
    actor_id = ma.fields.UUID(required=True, allow_none=True)
    network = ma.fields.String(required=True)
    request_id = ma.fields.String(required=True, allow_none=True)
    details = ma.fields.Dict(keys=ma.fields.String(), required=True)


class AuditQuery(PageQuery):
    """Which entries, the newest first."""

    subject = ma.fields.UUID(attribute="subject_id", metadata={"description": "Done to this person."})
    actor = ma.fields.UUID(attribute="actor_id", metadata={"description": "Done by this person."})
    act = ma.fields.String(validate=ma.validate.OneOf([str(act) for act in Act]))
    since = ma.fields.AwareDateTime(default_timezone=UTC, metadata={"description": "Not before this moment."})
