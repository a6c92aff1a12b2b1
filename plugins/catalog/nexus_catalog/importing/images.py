"""The images of imported products: fetched several at a time, outside of transactions, each stored once.

What was stored is remembered by product and source in `catalog_image_source`, so that another run of the same
file fetches nothing. An image that fails is refused by itself; its product stays.
"""

import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError, OperationalError

from nexus_catalog.config import CatalogConfig
from nexus_catalog.importing.batches import is_transient
from nexus_catalog.importing.rows import ImageLine, ImportRow, Refusal, refusal
from nexus_catalog.models import ImageSource
from nexus_catalog.services.images import add_image
from nexus_catalog.services.ownership import OPERATOR
from nexus_kernel import Actor, new_id, reading, settings
from nexus_kernel.errors import NexusError
from nexus_kernel.outgoing import Limits, OutgoingRefused, fetch

AT_ONCE = 4
"""Downloads at a time, whose bytes wait in memory until they are stored."""
_ADDRESS = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class _Job:
    row: ImportRow
    product_id: UUID
    image: ImageLine


class Images:
    """Adds the images of a batch. Paths are relative to `folder` and stay below it; None allows none.

    They are added as `actor`, to retired products too. `beat` is called after each image, which may take
    long.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        actor: Actor = OPERATOR,
        dry_run: bool = False,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        config = settings(CatalogConfig)
        self._folder = folder
        self._actor = actor
        self._dry_run = dry_run
        self._beat = beat
        self._limits = Limits(config.import_image_bytes, allow_private=config.import_allow_private_addresses)
        self._pool = ThreadPoolExecutor(AT_ONCE, "catalog-images")
        self.added = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, rows: Sequence[tuple[ImportRow, UUID | None]]) -> Iterator[Refusal]:
        """Fetch and store what is not there yet; a refusal for each image that cannot be had.

        A dry run looks for files, and asks no address.
        """
        if self._dry_run:
            yield from self._looked_for(row for row, _ in rows)
            return
        jobs = iter(_missing(rows))
        waiting: list[tuple[_Job, Future[bytes]]] = []
        while True:
            while len(waiting) < AT_ONCE and (job := next(jobs, None)) is not None:
                waiting.append((job, self._pool.submit(self._data, job.image.source)))
            if not waiting:
                return
            job, data = waiting.pop(0)
            yield from self._store(job, data)
            self._beat()

    def _store(self, job: _Job, data: Future[bytes]) -> Iterator[Refusal]:
        try:
            self.added += _stored_once(job, data.result(), self._actor)
        except (OutgoingRefused, NexusError, ValueError) as error:
            yield refusal(job.row.record, f"image {job.image.source[:200]}: {error}")
        except (IntegrityError, OperationalError) as error:
            if not is_transient(error):
                raise
            reason = "somebody else is changing the product; import it again"
            yield refusal(job.row.record, f"image {job.image.source[:200]}: {reason}")

    def _looked_for(self, rows: Iterable[ImportRow]) -> Iterator[Refusal]:
        for row in rows:
            for image in row.images:
                try:
                    if not image.source.lower().startswith(_ADDRESS):
                        self._file(image.source)
                except OutgoingRefused as error:
                    yield refusal(row.record, f"image {image.source[:200]}: {error}")

    def _data(self, source: str) -> bytes:
        if source.lower().startswith(_ADDRESS):
            return fetch(source, self._limits).body
        with self._file(source).open("rb") as file:
            return file.read(self._limits.size + 1)

    def _file(self, source: str) -> Path:
        """The file below the folder. Raises OutgoingRefused for any other place, by whatever way."""
        if self._folder is None:
            raise OutgoingRefused("only http and https addresses are taken here")
        try:
            root = self._folder.resolve(strict=True)
            path = (root / source).resolve(strict=True)
            about = path.stat()
        except (OSError, ValueError, RuntimeError):
            raise OutgoingRefused("there is no such file beside the imported one") from None
        if not path.is_relative_to(root) or not stat.S_ISREG(about.st_mode):
            raise OutgoingRefused("it must be a file in the imported file's folder or below it")
        if about.st_size > self._limits.size:
            raise OutgoingRefused(f"it is larger than {self._limits.size} bytes")
        return path


def _missing(rows: Sequence[tuple[ImportRow, UUID | None]]) -> list[_Job]:
    """The images of these products that were not imported before. One query."""
    ids = {product_id for _, product_id in rows if product_id is not None}
    if not ids:
        return []
    with reading() as session:
        statement = select(ImageSource.product_id, ImageSource.digest)
        known = {tuple(row) for row in session.execute(statement.where(ImageSource.product_id.in_(ids)))}
    return [
        _Job(row, product_id, image)
        for row, product_id in rows
        for image in row.images
        if product_id is not None and (product_id, _digest(image.source)) not in known
    ]


def _stored_once(job: _Job, data: bytes, actor: Actor) -> bool:
    """Store the image and then its source; False when another run did so just now.

    After a crash between the two the next run comes again with the same bytes, which are one image.
    """
    image, _ = add_image(str(job.product_id), actor, data, job.image.alt, is_active=None)
    with reading() as session:
        values = {"id": new_id(), "product_id": job.product_id, "digest": _digest(job.image.source)}
        values |= {"source": job.image.source, "image_id": image["id"]}
        noted = insert(ImageSource).values(values).on_conflict_do_nothing().returning(ImageSource.id)
        return session.execute(noted).scalar() is not None


def _digest(source: str) -> bytes:
    return hashlib.sha256(source.encode()).digest()
