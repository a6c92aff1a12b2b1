"""Routes: becoming a seller."""

from typing import Any
from uuid import UUID

from nexus_accounts.models import ApplicationStatus, SellerApplication
from nexus_accounts.schemas.applications import (
    DeclineSchema,
    NewSellerApplicationSchema,
    SellerApplicationQuery,
    SellerApplicationSchema,
)
from nexus_accounts.services.applications import Applications
from nexus_accounts.views.blueprint import blp
from nexus_kernel import current_actor, page_of, paginate, reading, transaction

URL = "/accounts/seller_applications/"


@blp.post(URL)
@blp.requires("accounts.seller_application.use")
@blp.idempotent()
@blp.arguments(NewSellerApplicationSchema)
@blp.response(201, SellerApplicationSchema)
def apply_as_seller(data: dict[str, Any]) -> tuple[SellerApplication, dict[str, str]]:
    """Ask to become a seller; one application at a time."""
    with transaction() as session:
        application = Applications(session, current_actor()).submit(**data)
    return application, {"Location": f"/api{URL}{application.id}/"}


@blp.get(URL)
@blp.requires("accounts.seller_application.use")
@blp.arguments(SellerApplicationQuery, location="query")
@blp.response(200, page_of(SellerApplicationSchema))
def list_seller_applications(args: dict[str, Any]) -> dict[str, Any]:
    """One's own applications, newest first; staff see everybody's."""
    row = SellerApplication
    with reading() as session:
        visible = Applications(session, current_actor()).visible(args)
        return paginate(session, visible, order=[row.id], args=args, present=lambda found: found[0])


@blp.get(f"{URL}<uuid:application_id>/")
@blp.requires("accounts.seller_application.use")
@blp.response(200, SellerApplicationSchema)
def get_seller_application(application_id: UUID) -> SellerApplication:
    """One application."""
    with reading() as session:
        return Applications(session, current_actor()).get(application_id)


@blp.post(f"{URL}<uuid:application_id>/approve/")
@blp.requires("accounts.seller_application.decide")
@blp.response(200, SellerApplicationSchema)
def approve_seller_application(application_id: UUID) -> SellerApplication:
    """Make the applicant a seller. It ends their sign-ins."""
    with transaction() as session:
        return Applications(session, current_actor()).decide(application_id, ApplicationStatus.APPROVED)


@blp.post(f"{URL}<uuid:application_id>/decline/")
@blp.requires("accounts.seller_application.decide")
@blp.arguments(DeclineSchema)
@blp.response(200, SellerApplicationSchema)
def decline_seller_application(data: dict[str, Any], application_id: UUID) -> SellerApplication:
    """Decline, and say why; the applicant is told."""
    with transaction() as session:
        applications = Applications(session, current_actor())
        return applications.decide(application_id, ApplicationStatus.DECLINED, data["reason"])
