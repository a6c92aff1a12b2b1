"""The HTTP layer: blueprints whose decorators carry a route's contract, and the OpenAPI document."""

from nexus_kernel.api.blueprint import Blueprint
from nexus_kernel.api.downloads import download
from nexus_kernel.api.fields import Amount, Country, Currency, Text
from nexus_kernel.api.keyset import Window
from nexus_kernel.api.pagination import CachedCount, PageQuery, Pages, page_of, paginate
from nexus_kernel.api.schema import QuerySchema, Schema
from nexus_kernel.api.uploads import File

__all__ = [
    "Amount",
    "Blueprint",
    "CachedCount",
    "Country",
    "Currency",
    "File",
    "PageQuery",
    "Pages",
    "QuerySchema",
    "Schema",
    "Text",
    "Window",
    "download",
    "page_of",
    "paginate",
]
