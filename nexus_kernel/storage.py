"""Where public files are kept: a folder, or a bucket of S3 or of a server that speaks its protocol.

Everybody who knows a key may read its file, so nothing private belongs here. A key is written once and never
again, which lets caches keep its file for good.
"""

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from nexus_kernel.errors import StartupError, Unavailable

if TYPE_CHECKING:
    from obstore.store import LocalStore, S3Store

log = logging.getLogger("nexus.media")

TYPES = {"webp": "image/webp", "jpg": "image/jpeg", "png": "image/png"}
"""The content type of a file by the end of its key; no other files are stored."""
FOREVER = "public, max-age=31536000, immutable"
ROUTE = "/media"
"""Where the application serves the files."""
_KEY = re.compile(rf"(?:[a-z0-9_-]+/)+[a-z0-9_-]+\.(?:{'|'.join(TYPES)})")
_LONGEST_KEY = 200


@dataclass(frozen=True)
class Place:
    """An address taken apart: a folder, or a bucket with the beginning of its keys."""

    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""


@dataclass(frozen=True)
class S3Access:
    """How a bucket is reached. Without keys those of the environment or the machine's role are used."""

    endpoint: str = ""
    region: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""


class MediaStore:
    """The files. Nothing is opened before the first use, which must come after a process was forked."""

    def __init__(self, address: str, public_url: str = "", access: S3Access | None = None) -> None:
        self.place = parse_address(address)
        self._base = public_url.rstrip("/") or ROUTE
        self._access = access or S3Access()

    def put(self, key: str, data: bytes) -> None:
        """Store a file under a new key; its content type follows from the end of the key.

        Raises Unavailable when the store is out of reach, ValueError for a key that cannot be.
        """
        attributes = {"Content-Type": content_type(key), "Cache-Control": FOREVER}
        with _reached():
            self._store.put(key, data, attributes=None if self.place.folder else attributes)

    def get(self, key: str) -> bytes | None:
        """The file's content; None when there is none. Raises like `put`."""
        content_type(key)
        if self.place.folder and not self._is_plain_file(self.place.folder, key):
            return None
        try:
            with _reached(besides=FileNotFoundError):
                return bytes(self._store.get(key).bytes())
        except FileNotFoundError:
            return None

    def delete(self, keys: Collection[str]) -> None:
        """Delete these files; those that are gone already are fine. Raises like `put`."""
        for key in keys:
            content_type(key)
        if self.place.folder is None and keys:
            with _reached():
                self._store.delete(list(keys))
            return
        for key in keys:
            try:
                with _reached(besides=FileNotFoundError):
                    self._store.delete(key)
            except FileNotFoundError:
                log.debug("%s is gone already", key)

    def list(self, prefix: str = "") -> Iterator[str]:
        """Every key below this folder of keys, in no order. Raises Unavailable."""
        with _reached():
            for batch in self._store.list(prefix or None):
                yield from (entry["path"] for entry in batch)

    def url(self, key: str) -> str:
        """Where people find the file: a path of this host, unless the deployment names another place."""
        return f"{self._base}/{key}"

    @cached_property
    def _store(self) -> "LocalStore | S3Store":
        from obstore.store import LocalStore, S3Store

        if self.place.folder is not None:
            with _reached():
                return LocalStore(self.place.folder, mkdir=True)
        access = {name: value for name, value in vars(self._access).items() if value}
        return S3Store(
            self.place.bucket,
            prefix=self.place.prefix or None,
            client_options={"timeout": "20s", "connect_timeout": "3s", "allow_http": True},
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
            **access,
        )

    def _is_plain_file(self, folder: Path, key: str) -> bool:
        """False for what is missing, and for what is reached by a symbolic link."""
        path = folder.resolve() / key
        return path.is_file() and path.resolve() == path


def parse_address(address: str) -> Place:
    """The place of `file:///folder`, of a path, or of `s3://bucket/prefix`. Raises StartupError."""
    parts = urlsplit(address)
    if parts.scheme == "s3" and parts.netloc:
        return Place(bucket=parts.netloc, prefix=parts.path.strip("/"))
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        return Place(folder=Path(unquote(parts.path)))
    if not parts.scheme and address:
        return Place(folder=Path(address).expanduser().absolute())
    raise StartupError("is neither a folder nor an address such as s3://bucket/prefix")


def content_type(key: str) -> str:
    """The type of the file under this key. Raises ValueError for a key that cannot be."""
    if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key of a public file")
    return TYPES[key.rpartition(".")[2]]


@contextmanager
def _reached(besides: tuple[type[Exception], ...] | type[Exception] = ()) -> Iterator[None]:
    """Tell clients to come back when the store does not work, `besides` these errors."""
    from obstore.exceptions import BaseError

    try:
        yield
    except besides:
        raise
    except (BaseError, OSError) as error:
        log.warning("the file storage is out of reach: %s", error)
        raise Unavailable("The file storage is out of reach.", headers={"Retry-After": "5"}) from error
