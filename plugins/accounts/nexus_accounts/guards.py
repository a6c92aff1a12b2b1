"""The accounts plugin's say in a checkout."""

from collections.abc import Sequence

from nexus_accounts.config import AccountsConfig
from nexus_accounts.services.people import People
from nexus_kernel import reading, settings
from nexus_kernel.contracts.orders import CheckoutProblem, Quote


class VerifiedEmailGuard:
    """Refuses a checkout of somebody who has not confirmed their address, where the deployment demands it."""

    code = "accounts.verified_email"

    def check(self, quote: Quote) -> Sequence[CheckoutProblem]:
        """No query unless `NEXUS_ACCOUNTS__REQUIRE_VERIFIED_EMAIL` is on; one query then."""
        if not settings(AccountsConfig).require_verified_email:
            return ()
        with reading() as session:
            person = People(session).get_people([quote.user_id]).get(quote.user_id)
        if person is not None and person.email_verified:
            return ()
        message = "Confirm your e-mail address before you order; the link is in your mailbox."
        return (CheckoutProblem(code="accounts.email_not_verified", message=message),)
