"""Pictures of products: every change locks the product, so that order and number hold for all at once."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from nexus_catalog.config import CatalogConfig
from nexus_catalog.errors import ImageNotFound, ImagesChanged, ProductNotFound, TooManyImages
from nexus_catalog.models import Product, ProductImage
from nexus_catalog.services.changes import products_changed
from nexus_catalog.services.editing import lock_product
from nexus_catalog.services.image_columns import LEAD_IMAGE, image_body
from nexus_catalog.services.products import by_key
from nexus_kernel import Actor, invalid_field, media, new_id, now, paginate, settings, transaction

SIZES = (media.Size("small", 160), media.Size("medium", 480), media.Size("large", 1200))
FOLDER = "catalog/products"
_COLUMNS = (ProductImage.id, ProductImage.position, ProductImage.alt, ProductImage.sizes)

_RENUMBER = text("""
    UPDATE catalog_product_image AS image SET position = wanted.number - 1
    FROM unnest(:ids) WITH ORDINALITY AS wanted (id, number)
    WHERE image.id = wanted.id AND image.position <> wanted.number - 1
""").bindparams(bindparam("ids", type_=ARRAY(Uuid)))


def image_page(session: Session, product: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a product's pictures in their order. Two queries. Raises ProductNotFound."""
    found = select(Product.id).where(by_key(product), Product.is_active)
    product_id = session.execute(found).scalar()
    if product_id is None:
        raise ProductNotFound("No product on sale has this id or slug.")
    statement = select(*_COLUMNS).where(ProductImage.product_id == product_id)
    order = (ProductImage.position, ProductImage.id)
    return paginate(session, statement, order=order, descending=False, args=args, present=_body)


def get_image(session: Session, product: str, image_id: UUID) -> dict[str, Any]:
    """One picture. Raises ProductNotFound and ImageNotFound, both for what is not there."""
    statement = select(*_COLUMNS).join(Product, Product.id == ProductImage.product_id)
    statement = statement.where(by_key(product), Product.is_active, ProductImage.id == image_id)
    row = session.execute(statement).one_or_none()
    if row is None:
        raise ImageNotFound("The product has no such image.")
    return _body(row)


def add_image(
    product: str, actor: Actor, data: bytes, alt: str = "", *, is_active: bool | None = True
) -> tuple[dict[str, Any], bool]:
    """Give a product, by id or slug, another picture; the picture, and False when the product had it already.

    Opens its own transactions and must be called outside of one: none is open while the picture is decoded
    and stored. The same bytes make one picture of a product, however often and at once they are sent; `alt`
    is then the first one's. With `is_active` None a retired product gets it too. Raises ProductNotFound,
    TooManyImages, Invalid about `image`, Unavailable.
    """
    digest = hashlib.sha256(data).digest()
    with transaction() as session:
        product_id = _changeable(session, product, actor, is_active)
        known = _known_or_room(session, product_id, digest)
    if known is not None:
        return known, False
    sizes = media.store_picture(FOLDER, data, SIZES, field="image")
    with transaction() as session:
        product_id = _changeable(session, product, actor, is_active)
        known = _known_or_room(session, product_id, digest)
        if known is not None:
            media.abandon(session, sizes)
            return known, False
        media.adopt(session, sizes)
        return _body(_insert(session, product_id, alt, sizes, digest)), True


def update_image(
    session: Session, product: str, actor: Actor, image_id: UUID, changes: Mapping[str, Any]
) -> None:
    """Change a picture's `alt` text, or move it to a `position`, which others make room for.

    A position behind the last one is the last one. Raises ProductNotFound and ImageNotFound.
    """
    product_id = _changeable(session, product, actor)
    ids = _ids(session, product_id)
    if image_id not in ids:
        raise ImageNotFound("The product has no such image.")
    if "alt" in changes:
        session.execute(update(ProductImage).where(ProductImage.id == image_id).values(alt=changes["alt"]))
    if "position" in changes:
        ids.remove(image_id)
        ids.insert(changes["position"], image_id)
        session.execute(_RENUMBER, {"ids": ids})
    if changes:
        _changed(session, product_id)


def order_images(session: Session, product: str, actor: Actor, ids: Sequence[UUID]) -> None:
    """Put a product's pictures into this order, which names each of them once.

    Raises ProductNotFound, Invalid for an id that comes twice, and ImagesChanged when there are others.
    """
    if len(set(ids)) < len(ids):
        raise invalid_field("ids", "Name each image once.")
    product_id = _changeable(session, product, actor)
    current = _ids(session, product_id)
    if set(current) != set(ids):
        raise ImagesChanged("These are not the images of the product; read them again.", ids=current)
    if current != list(ids):
        session.execute(_RENUMBER, {"ids": list(ids)})
        _changed(session, product_id)


def delete_image(session: Session, product: str, actor: Actor, image_id: UUID) -> None:
    """Remove a picture; its files go after the commit. Raises ProductNotFound and ImageNotFound."""
    product_id = _changeable(session, product, actor)
    mine = (ProductImage.id == image_id, ProductImage.product_id == product_id)
    sizes = session.execute(delete(ProductImage).where(*mine).returning(ProductImage.sizes)).scalar()
    if sizes is None:
        raise ImageNotFound("The product has no such image.")
    media.abandon(session, sizes)
    session.execute(_RENUMBER, {"ids": _ids(session, product_id)})
    _changed(session, product_id)


def _changeable(session: Session, product: str, actor: Actor, is_active: bool | None = True) -> UUID:
    """The id of a product whose pictures the actor may change, locked. Raises ProductNotFound."""
    product_id: UUID = lock_product(session, product, actor, is_active=is_active).id
    return product_id


def _known_or_room(session: Session, product_id: UUID, digest: bytes) -> dict[str, Any] | None:
    """The picture that was made of the same bytes. Raises TooManyImages when a new one has no room."""
    mine = ProductImage.product_id == product_id
    row = session.execute(select(*_COLUMNS).where(mine, ProductImage.content_hash == digest)).one_or_none()
    if row is not None:
        return _body(row)
    most = settings(CatalogConfig).max_images
    if session.execute(select(func.count()).select_from(ProductImage).where(mine)).scalar_one() >= most:
        raise TooManyImages(f"A product has at most {most} images; delete one first.", maximum=most)
    return None


def _insert(session: Session, product_id: UUID, alt: str, sizes: media.Sizes, digest: bytes) -> Row[Any]:
    last = select(func.coalesce(func.max(ProductImage.position) + 1, 0))
    values = {
        "id": new_id(),
        "product_id": product_id,
        "position": last.where(ProductImage.product_id == product_id).scalar_subquery(),
        "alt": alt,
        "sizes": sizes,
        "content_hash": digest,
    }
    row = session.execute(insert(ProductImage).values(**values).returning(*_COLUMNS)).one()
    _changed(session, product_id)
    return row


def _ids(session: Session, product_id: UUID) -> list[UUID]:
    mine = ProductImage.product_id == product_id
    return list(session.scalars(select(ProductImage.id).where(mine).order_by(ProductImage.position)))


def _changed(session: Session, product_id: UUID) -> None:
    """What stands for the product in lists is kept on it, by each of its changes."""
    kept = update(Product).where(Product.id == product_id).values(image=LEAD_IMAGE, updated_at=now())
    session.execute(kept, execution_options={"synchronize_session": False})
    products_changed([product_id])


def _body(row: Row[Any]) -> dict[str, Any]:
    return image_body({"id": row.id, "position": row.position, "alt": row.alt, "sizes": row.sizes})
