"""Bodies of profiles with a picture."""

from typing import Any

import marshmallow as ma

from nexus_kernel import Schema, media
from nexus_kernel.media import PictureFileSchema


class AvatarSchema(Schema):
    """The picture of a person: squares of at most 64 and 256 pixels."""

    small = ma.fields.Nested(PictureFileSchema, required=True)
    large = ma.fields.Nested(PictureFileSchema, required=True)


class Avatar(ma.fields.Nested):
    """The stored picture of a profile, as an AvatarSchema; null without one."""

    def __init__(self) -> None:
        super().__init__(AvatarSchema, required=True, allow_none=True)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return super()._serialize(value and media.picture_urls(value), attr, obj, **kwargs)


class NoAvatar(ma.fields.Field[None]):
    """Null, which removes the picture; nothing else fits into JSON."""

    def __init__(self) -> None:
        super().__init__(metadata={"type": "null"})

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError for anything but null."""
        if value is not None and value is not ma.missing:
            raise ma.ValidationError("Send the picture as multipart/form-data, or null to remove it.")
        return super().deserialize(value, *args, **kwargs) if value is ma.missing else None
