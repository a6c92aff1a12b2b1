"""What staff write down about an order."""

import marshmallow as ma

from nexus_kernel import Schema, Text


class NewNoteSchema(Schema):
    """A note, for colleagues unless the buyer shall see it."""

    text = Text(2000, minimum=1, multiline=True, required=True)
    visible_to_buyer = ma.fields.Boolean(load_default=False)


class NoteSchema(Schema):
    """A note about an order."""

    id = ma.fields.UUID(required=True)
    author_id = ma.fields.UUID(required=True)
    text = ma.fields.String(required=True)
    visible_to_buyer = ma.fields.Boolean(required=True)
    created_at = ma.fields.AwareDateTime(required=True)
