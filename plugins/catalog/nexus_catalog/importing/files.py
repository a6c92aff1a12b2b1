"""Opening what is imported and what is exported: by name, compressed or not, or the standard streams."""

import gzip
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from nexus_catalog.importing.records import ImportFault

FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
STANDARD = Path("-")


@dataclass(frozen=True)
class Source:
    """An opened file. `folder` is where its images are; `done` says how many of `size` bytes are read."""

    stream: BinaryIO
    format: str
    folder: Path | None
    size: int | None
    done: Callable[[], int]


def format_of(path: Path, chosen: str | None) -> str:
    """`csv` or `jsonl`, by choice or by suffix; `.gz` is passed over. CSV when nothing says otherwise."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    return chosen or FORMATS.get(suffixes[-1] if suffixes else "", "csv")


@contextmanager
def opened(path: Path, chosen: str | None) -> Iterator[Source]:
    """The file to import. Raises ImportFault when it cannot be opened, or ends in the middle of a stream."""
    try:
        raw = sys.stdin.buffer if path == STANDARD else path.open("rb")
        size = os.fstat(raw.fileno()).st_size if path != STANDARD else None
    except OSError as error:
        raise ImportFault(f"{path} cannot be read: {error.strerror}") from None
    try:
        stream = cast(BinaryIO, raw)
        if path.suffix.lower() == ".gz":
            stream = cast(BinaryIO, BufferedReader(gzip.GzipFile(fileobj=raw, mode="rb"), 65536))  # type: ignore[type-var]
        folder = None if path == STANDARD else path.parent
        yield Source(stream, format_of(path, chosen), folder, size or None, lambda: _position(raw))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ImportFault(f"{path} is no whole gzip file: {error}") from None
    except ImportFault as fault:
        raise ImportFault(f"{path}: {fault}") from None
    finally:
        if path != STANDARD:
            raw.close()


@contextmanager
def created(path: Path, *, whole: bool = True) -> Iterator[BinaryIO]:
    """A new file, or `-` for the standard output. Raises ImportFault when it cannot be written.

    A `whole` one stands there only once everything is in it.
    """
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = path.with_name(f"{path.name}.part") if whole else path
    try:
        with part.open("wb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as stream:
                    yield cast(BinaryIO, stream)
            else:
                yield raw
        part.replace(path)
    except OSError as error:
        raise ImportFault(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        if whole:
            part.unlink(missing_ok=True)


def _position(raw: BinaryIO) -> int:
    return raw.tell() if raw.seekable() else 0
