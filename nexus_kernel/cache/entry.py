"""One finished answer: its body plain and compressed, each with a strong ETag of its own.

RFC 9110, section 8.8.3: a strong ETag is of one representation, and an encoding makes another one.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from zlib import compress, decompress

from werkzeug.http import parse_accept_header

WORTH_PACKING = 500
"""Bytes below which a body is not compressed: it would fit into one packet anyhow."""
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_GZIP = 16 + 15
"""zlib's word for a gzip header around 32 KiB of window."""
OVERHEAD = 1000
"""Bytes that an entry takes besides its bodies, roughly."""
Headers = list[tuple[str, str]]


def content_etag(body: bytes) -> str:
    """The entity tag of these bytes, without quotes."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` allows gzip (RFC 9110, section 12.5.3)."""
    return parse_accept_header(accept_encoding)["gzip"] > 0


class Entry:
    """An answer of status 200, and how much of the history of its tags it has seen."""

    __slots__ = (
        "_full", "_not_modified", "began", "content_type", "etag", "floor", "length", "packed", "plain",
        "seen", "size", "tags", "until",
    )  # fmt: skip

    def __init__(
        self,
        plain: bytes | None,
        packed: bytes | None,
        length: int,
        etag: str,
        content_type: str,
        tags: tuple[str, ...],
    ) -> None:
        self.plain, self.packed, self.length = plain, packed, length
        self.etag, self.content_type, self.tags = etag, content_type, tags
        self.floor = self.seen = 0
        self.began = self.until = 0.0
        self.size = length + len(packed or b"") + OVERHEAD
        self._full: dict[bool, Headers] = {}
        self._not_modified: dict[bool, Headers] = {}

    @classmethod
    def of(cls, body: bytes, content_type: str, tags: tuple[str, ...], *, pack: bool = True) -> "Entry":
        """The entry of a body that has just been built."""
        packed = None
        if pack and len(body) >= WORTH_PACKING:
            candidate = compress(body, 6, _GZIP)
            packed = candidate if len(candidate) < len(body) else None
        return cls(body, packed, len(body), content_etag(body), content_type, tags)

    @classmethod
    def load(cls, head: bytes, payload: bytes, tags: tuple[str, ...]) -> "Entry":
        """The entry that `dump` wrote."""
        etag, length, content_type = head.decode().split(" ", 2)
        packed = int(length) >= 0
        if not packed:
            return cls(payload, None, len(payload), etag, content_type, tags)
        return cls(None, payload, int(length), etag, content_type, tags)

    def dump(self) -> tuple[str, bytes]:
        """What Redis keeps: a line about the body, and the body, compressed where that is shorter."""
        if self.packed is None:
            return f"{self.etag} -1 {self.content_type}", self.body()
        return f"{self.etag} {self.length} {self.content_type}", self.packed

    def body(self) -> bytes:
        """The plain bytes, unpacked on the first call when they came from Redis."""
        if self.plain is None:
            self.plain = decompress(self.packed or b"", _GZIP)
        return self.plain

    def answer(self, environ: Mapping[str, Any]) -> tuple[int, Headers, bytes]:
        """Status, headers and body for this request; 304 without looking at the body."""
        packed = self.packed is not None and accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None:
            match = self._held(known, packed)
            if match is not None:
                return 304, self._not_modified_headers(match), b""
        body = self.packed if packed and self.packed is not None else self.body()
        headers = self._full.get(packed)
        if headers is None:
            headers = [("Content-Type", self.content_type), ("Content-Length", str(len(body)))]
            headers += [("Content-Encoding", "gzip")] if packed else []
            headers += self._not_modified_headers(packed)
            self._full[packed] = headers
        return 200, headers, body

    def _held(self, if_none_match: str, packed: bool) -> bool | None:
        """Which representation the client has already: compressed (True), plain (False) or neither (None).

        Comparison is weak (RFC 9110, section 13.1.2). A client that holds the plain one is told so even if it
        also takes gzip: which of several acceptable representations is selected is the server's choice.
        """
        if if_none_match.strip() == "*":
            return packed
        held = (if_none_match,) if if_none_match.count('"') == 2 else ()
        tags = held if held and held[0][0] == '"' else set(_TAG.findall(if_none_match))
        if packed and self._quoted(True) in tags:
            return True
        return False if self._quoted(False) in tags else None

    def _not_modified_headers(self, packed: bool) -> Headers:
        headers = self._not_modified.get(packed)
        if headers is None:
            headers = [("ETag", self._quoted(packed)), ("Cache-Control", "no-cache")]
            headers += [("Vary", "Accept-Encoding")] if self.packed is not None else []
            self._not_modified[packed] = headers
        return headers

    def _quoted(self, packed: bool) -> str:
        return f'"{self.etag}-gzip"' if packed else f'"{self.etag}"'
