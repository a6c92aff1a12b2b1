"""Public files outside the database: pictures that people upload, in a folder or an S3 bucket.

An upload goes through three steps, none of which holds a transaction while it works:

    sizes = media.store_picture("catalog/products", data, SIZES, field="image")   # decode, encode, store
    with transaction() as session:
        media.adopt(session, sizes)                                               # the files are in use
        session.add(ProductImage(sizes=sizes))                                    # a JSONB column

`media.abandon(session, sizes)` gives the files up; they are deleted after the commit. What a crash leaves
behind in between is deleted too.
"""

from nexus_kernel.media.images import Size
from nexus_kernel.media.orphans import abandon, adopt
from nexus_kernel.media.pictures import PictureFileSchema, Sizes, picture_urls, store_picture
from nexus_kernel.storage import MediaStore

__all__ = [
    "MediaStore",
    "PictureFileSchema",
    "Size",
    "Sizes",
    "abandon",
    "adopt",
    "picture_urls",
    "store_picture",
]
