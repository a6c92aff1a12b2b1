"""The blueprint of accounts; the modules of this folder add its routes."""

from flask import request

from nexus_kernel import BadRequest, Blueprint
from nexus_kernel.api.uploads import MULTIPART

blp = Blueprint("accounts", __name__, url_prefix="/api", description="People, sign-in and profiles")


@blp.before_request
def refuse_empty_changes() -> None:
    """Nothing at all is no JSON; `{}` is a change of nothing. A form is left for its route to read."""
    if request.method == "PATCH" and request.mimetype != MULTIPART and not request.get_data():
        raise BadRequest("Send a JSON object.")
