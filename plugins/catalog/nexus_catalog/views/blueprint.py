"""The catalog's blueprint; the modules of this folder add its routes."""

from nexus_kernel import Blueprint

blp = Blueprint("catalog", __name__, url_prefix="/api/catalog", description="What is for sale")
