"""The blueprint that the modules of this folder put their routes on."""

from nexus_kernel import Blueprint

blp = Blueprint("orders", __name__, url_prefix="/api/orders", description="What people have bought")
