"""`/api/catalog/facets/`."""

from typing import Any

import orjson
from flask import Response

from nexus_catalog.config import CatalogConfig
from nexus_catalog.schemas.facets import FacetsSchema
from nexus_catalog.schemas.products import ProductFilters
from nexus_catalog.services.changes import CATEGORIES, PRODUCTS
from nexus_catalog.services.facets import facets
from nexus_catalog.views.answers import json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import querying, settings


@blp.get("/facets/")
@blp.public
@blp.cached(tags=[CATEGORIES, PRODUCTS])
@blp.arguments(ProductFilters, location="query")
@blp.response(200, FacetsSchema)
def count_facets(args: dict[str, Any]) -> Response:
    """How many products each further choice would leave: categories, prices, ratings, availability."""
    with querying() as connection:
        return json_answer(orjson.dumps(facets(connection, args, settings(CatalogConfig).currency)))
