"""A picture in several sizes: files in the store, and what a row keeps of them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma
from flask import current_app

from nexus_kernel.db import in_transaction
from nexus_kernel.media.images import Size, render
from nexus_kernel.media.orphans import announce

Sizes = dict[str, Any]
"""What a JSONB column keeps: `{"small": {"key": ..., "width": 160, "height": 120}, ...}`."""


class PictureFileSchema(ma.Schema):
    """A picture in one size. `url` is a path of this host, unless files are served from another one."""

    url = ma.fields.String(required=True)
    width = ma.fields.Integer(required=True)
    height = ma.fields.Integer(required=True)


def store_picture(folder: str, data: bytes, sizes: Sequence[Size], *, field: str) -> Sizes:
    """Decode a picture, encode it in these sizes and store the files; every size is in the result.

    `folder` begins with the plugin's name (`catalog/products`). The files are deleted after an hour unless a
    row's transaction adopts them. Raises Invalid about `field`, Unavailable, and RuntimeError inside a
    transaction, which would hold its locks meanwhile.
    """
    if in_transaction():
        raise RuntimeError("store_picture() takes long; call it before the transaction, not in it")
    nexus = current_app.extensions["nexus"]
    made = render(data, sizes, field=field, max_pixels=nexus.config.max_image_pixels)
    token = secrets.token_hex(16)
    stem = f"{folder}/{token[:2]}/{token}"
    keys = {id(rendition): f"{stem}-{name}.webp" for name, rendition in made.items()}
    files = {keys[id(rendition)]: rendition.data for rendition in made.values()}
    with nexus.db.reading() as session:
        announce(session, files)
    for key, body in files.items():
        nexus.media.put(key, body)
    return {
        size.name: {"key": keys[id(r)], "width": r.width, "height": r.height}
        for size in sizes
        for r in [made[size.name]]
    }


def picture_urls(sizes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The sizes of a stored picture as clients see them, each a `PictureFileSchema`."""
    store = current_app.extensions["nexus"].media
    return {
        name: {"url": store.url(size["key"]), "width": size["width"], "height": size["height"]}
        for name, size in sizes.items()
    }
