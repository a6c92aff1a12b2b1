"""Files in pieces in the database, where every process of the deployment reaches them."""

import io
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from nexus_catalog.models import ImportChunk
from nexus_kernel import reading, transaction

CHUNK = 262_144
"""Bytes of a piece."""


def write_chunks(session: Session, import_id: UUID, kind: str, stream: BinaryIO) -> int:
    """Store the stream, a piece at a time; how many bytes it had."""
    size = number = 0
    while data := _read(stream):
        _insert(session, import_id, kind, number, data)
        number, size = number + 1, size + len(data)
    return size


def read_chunks(import_id: UUID, kind: str) -> Iterator[bytes]:
    """The pieces in order; one is in memory at a time, and no transaction stays open between them."""
    number = 0
    while True:
        with reading() as session:
            data = session.scalar(
                select(ImportChunk.data).where(
                    ImportChunk.import_id == import_id, ImportChunk.kind == kind, ImportChunk.number == number
                )
            )
        if data is None:
            return
        yield data
        number += 1


def delete_chunks(session: Session, import_id: UUID, kind: str) -> None:
    """Forget a file."""
    session.execute(delete(ImportChunk).where(ImportChunk.import_id == import_id, ImportChunk.kind == kind))


class ChunkReader(io.RawIOBase):
    """A stored file as a stream; `position` says how much of it was read."""

    def __init__(self, import_id: UUID, kind: str) -> None:
        self._chunks = read_chunks(import_id, kind)
        self._rest = b""
        self.position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._chunks, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self.position += count
        return count


class ChunkWriter:
    """Stores what is written, a piece a transaction; `guard` may refuse in it."""

    def __init__(self, import_id: UUID, kind: str, guard: Callable[[Session], None]) -> None:
        self._import_id = import_id
        self._kind = kind
        self._guard = guard
        self._waiting = bytearray()
        self._number = 0

    def write(self, data: bytes) -> int:
        """Keep the bytes until there are enough for a piece."""
        self._waiting += data
        if len(self._waiting) >= CHUNK:
            self.close()
        return len(data)

    def close(self) -> None:
        """Store what waits."""
        if not self._waiting:
            return
        with transaction() as session:
            self._guard(session)
            _insert(session, self._import_id, self._kind, self._number, bytes(self._waiting))
        self._number += 1
        self._waiting.clear()


def _insert(session: Session, import_id: UUID, kind: str, number: int, data: bytes) -> None:
    values = {"import_id": import_id, "kind": kind, "number": number, "data": data}
    session.execute(insert(ImportChunk).values(values))


def _read(stream: BinaryIO) -> bytes:
    """A whole piece, or what is left: a network gives less at a time than it is asked for."""
    parts, size = [], 0
    while size < CHUNK and (part := stream.read(CHUNK - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
