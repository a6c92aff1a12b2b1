"""Finished bytes in memory over Redis, invalidated by tag. With Redis gone it is slower, never an error.

`entry` is one answer in its encodings, `memory` what the process holds, `shared` what is in Redis and how an
outage ends, `scripts` the steps that Redis takes at once, `store` the `Cache` that plugins use.
"""

from nexus_kernel.cache.entry import Entry, content_etag
from nexus_kernel.cache.shared import redis_error
from nexus_kernel.cache.store import Cache

__all__ = ["Cache", "Entry", "content_etag", "redis_error"]
