"""`/api/catalog/suggestions/`."""

from typing import Any

import orjson
from flask import Response

from nexus_catalog.schemas.suggestions import SuggestionQuery, SuggestionsSchema
from nexus_catalog.services.changes import CATEGORIES, PRODUCTS
from nexus_catalog.services.suggestions import suggestions
from nexus_catalog.views.answers import json_answer
from nexus_catalog.views.blueprint import blp
from nexus_kernel import querying


@blp.get("/suggestions/")
@blp.public
@blp.cached(tags=[CATEGORIES, PRODUCTS])
@blp.arguments(SuggestionQuery, location="query")
@blp.response(200, SuggestionsSchema)
def suggest(args: dict[str, Any]) -> Response:
    """Categories and products for what somebody has typed so far, in any script."""
    with querying() as connection:
        return json_answer(orjson.dumps({"results": suggestions(connection, args["q"])}))
