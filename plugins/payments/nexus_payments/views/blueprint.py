"""The blueprint of payments; the modules of this folder add its routes."""

from nexus_kernel import Blueprint

blp = Blueprint(
    "payments", __name__, url_prefix="/api/payments", description="Pay for orders, and follow payments."
)
