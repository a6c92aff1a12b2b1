"""`/api/schema/`: the OpenAPI document of exactly the installed plugins."""

from flask import Blueprint, Flask, Response

from nexus_kernel.api.conditional import conditional_response
from nexus_kernel.api.openapi import Api


def register_schema(app: Flask, api: Api) -> None:
    """Add the route; the document is made once, when it is first asked for."""
    blueprint = Blueprint("schema", __name__)
    made: list[bytes] = []

    @blueprint.get("/api/schema/")
    def schema() -> Response:
        if not made:
            made.append(app.json.dumps(api.document()).encode())
        return conditional_response(Response(made[0], content_type="application/json"))

    app.register_blueprint(blueprint)
