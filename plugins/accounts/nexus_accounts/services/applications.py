"""Asking to become a seller, and deciding about it: pending, then approved or declined, once."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from nexus_accounts.errors import AlreadySeller, ApplicationDecided, ApplicationOpen, OwnAccount
from nexus_accounts.models import SELLER, Act, ApplicationStatus, SellerApplication
from nexus_accounts.services.administration import GRANT_ANY, Administration
from nexus_accounts.services.audit import audit
from nexus_accounts.services.people import Accounts
from nexus_kernel import Actor, NotFound, now, publish
from nexus_kernel.contracts.accounts import SellerApplicationDecided, SellerApplicationSubmitted

DECIDE = "accounts.seller_application.decide"


class Applications:
    """The applications that the actor may see: one's own, and all of them for those who decide."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self._session = session
        self._actor = actor

    def submit(self, shop_name: str, message: str) -> SellerApplication:
        """Apply. Raises AccountClosed, AlreadySeller and ApplicationOpen."""
        user = Accounts(self._session).get_own(self._actor.person_id, lock=True)
        if SELLER in user.roles:
            raise AlreadySeller
        application = SellerApplication(user_id=user.id, shop_name=shop_name, message=message)
        self._session.add(application)
        try:
            self._session.flush()
        except IntegrityError as error:
            if "application_open" not in str(error.orig):
                raise
            raise ApplicationOpen from error
        publish(
            SellerApplicationSubmitted(
                application_id=application.id, user_id=user.id, shop_name=application.shop_name
            )
        )
        return application

    def visible(self, filters: Mapping[str, Any]) -> Select[tuple[SellerApplication]]:
        """The applications that fit, for `paginate` by id."""
        statement = select(SellerApplication)
        if not self._actor.can(DECIDE):
            statement = statement.where(SellerApplication.user_id == self._actor.person_id)
        for name in filters.keys() & {"status", "user_id"}:
            statement = statement.where(getattr(SellerApplication, name) == filters[name])
        return statement

    def get(self, application_id: UUID) -> SellerApplication:
        """One that may be seen. Raises NotFound."""
        found = self._session.scalar(self.visible({}).where(SellerApplication.id == application_id))
        if found is None:
            raise NotFound("There is no such application.")
        return found

    def decide(self, application_id: UUID, to: ApplicationStatus, reason: str = "") -> SellerApplication:
        """Approve or decline a pending one; of two decisions at once one wins.

        Raises NotFound, OwnAccount, AdminProtected, and ApplicationDecided for one that was decided.
        """
        applicant = self.get(application_id).user_id
        administration = Administration(self._session, self._actor)
        if applicant == self._actor.id and not administration.may(GRANT_ANY):
            raise OwnAccount
        # The person is locked before the application, as in an erasure.
        user = administration.lock(applicant)
        application = self._settle(application_id, to, reason)
        approved = to is ApplicationStatus.APPROVED
        if approved and SELLER not in user.roles:
            administration.give(user, SELLER)
        act = Act.SELLER_APPROVED if approved else Act.SELLER_DECLINED
        audit(self._session, act, applicant, application=str(application_id))
        publish(
            SellerApplicationDecided(
                application_id=application_id,
                user_id=applicant,
                shop_name=application.shop_name,
                approved=approved,
                reason=reason,
            )
        )
        return application

    def _settle(self, application_id: UUID, to: ApplicationStatus, reason: str) -> SellerApplication:
        row = SellerApplication
        decision = {"status": to, "reason": reason, "decided_by": self._actor.id, "decided_at": now()}
        pending = update(row).where(row.id == application_id, row.status == ApplicationStatus.PENDING)
        statement = pending.values(decision).returning(row).execution_options(populate_existing=True)
        settled = self._session.scalar(statement)
        if settled is None:
            status = select(row.status).where(row.id == application_id)
            raise ApplicationDecided(self._session.scalar(status) or "withdrawn")
        return settled
