"""`/api/orders/<order_id>/invoice/`."""

from uuid import UUID

from flask import Response

from nexus_kernel import current_actor, download, transaction
from nexus_orders.services.invoices import Invoices
from nexus_orders.views.blueprint import blp


@blp.get("/<uuid:order_id>/invoice/")
@blp.requires("orders.use")
@blp.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
def get_invoice(order_id: UUID) -> Response:
    """The invoice of an order that is paid or confirmed, as a PDF; the first request issues it"""
    with transaction() as session:
        document = Invoices(session, current_actor()).document(order_id)
    # The library takes half a second to import, which no other request should wait for.
    from nexus_orders.invoices.pdf import render

    return download(iter([render(document)]), f"{document['number']}.pdf", "application/pdf")
