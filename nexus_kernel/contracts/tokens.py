"""What an access token may say besides whose it is, and until when that holds."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID


class ClaimsProvider(Protocol):
    """Adds one claim to access tokens and says later whether it still holds.

    The claim is named by `code`, which begins with the plugin's name; its value is anything that JSON has.
    """

    code: str

    def claim(self, person_id: UUID) -> Any:
        """The value for a new token of this person; None leaves the claim out.

        Asked only when the caller of `issue_access_token` did not pass the value, so a query will do.
        """
        ...

    def holding(self, tokens: Sequence[tuple[UUID, Any]]) -> Sequence[bool]:
        """Whether each token holds, given its person and its value (None: it has no such claim). One query.

        Asked outside of a transaction, when a process sees a token for the first time and again after
        `NEXUS_KERNEL__TOKEN_RECHECK_SECONDS`.
        """
        ...
