"""Erasing a person: the row stays for those who refer to its id, and says nothing of anybody.

The account is made anonymous at once, with one event for each plugin's handler in the same transaction. Each
is delivered in a transaction of its own until it succeeds, so a crash between two of them is made good, and
one that fails keeps none of the others waiting.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from nexus_accounts.errors import AccountClosed, OwnAccount, WrongPassword
from nexus_accounts.events import DataErasureRequested
from nexus_accounts.models import (
    Act,
    ApiKey,
    Profile,
    RefreshFamily,
    SavedAddress,
    SellerApplication,
    SingleUseToken,
    User,
)
from nexus_accounts.services.administration import Administration
from nexus_accounts.services.audit import audit
from nexus_accounts.services.avatars import remove_avatar
from nexus_accounts.services.credentials import check_current
from nexus_accounts.services.revocation import end_sign_ins
from nexus_kernel import Actor, NotFound, current_nexus, current_session, now, publish, transaction
from nexus_kernel.contracts.accounts import UserErased

NO_PASSWORD = "!"
"""A hash that no password has."""


def erase_own(actor: Actor, password: str) -> None:
    """Erase the actor's own account. Raises AccountClosed, WrongPassword, Throttled and LastAdmin.

    A password that is changed meanwhile counts as wrong.
    """
    person = check_current(actor.person_id, password)
    with transaction() as session:
        try:
            Erasure(session, actor).erase(person.id, person.password_hash)
        except NotFound:
            raise AccountClosed from None


class Erasure:
    """Erases people on behalf of `actor`; None is the operator at the command line. Needs a transaction."""

    def __init__(self, session: Session, actor: Actor | None) -> None:
        self._session = session
        self._actor = actor

    def erase_other(self, user_id: UUID) -> None:
        """Like `erase`, for staff. Raises OwnAccount for one's own, which takes the password."""
        if self._actor is not None and self._actor.id == user_id:
            raise OwnAccount
        self.erase(user_id)

    def erase(self, user_id: UUID, password_hash: str | None = None) -> None:
        """Make the account anonymous and have every plugin erase what it keeps.

        `password_hash` is what was checked. Raises NotFound, also for the erased, AdminProtected, LastAdmin,
        and WrongPassword when the password was changed since.
        """
        administration = Administration(self._session, self._actor)
        user = administration.lock(user_id)
        if password_hash not in (None, user.password_hash):
            raise WrongPassword
        administration.refuse_last_admin(user)
        end_sign_ins(self._session, user_id)
        forget(self._session, user_id)
        audit(self._session, Act.ERASED, user_id, actor_id=self._actor and self._actor.id)
        publish(UserErased(user_id=user_id))
        for section in current_nexus().data_subjects:
            publish(DataErasureRequested(user_id=user_id, section=section))


def forget(session: Session, user_id: UUID) -> None:
    """Replace or delete everything that accounts keep of a person. A second time changes nothing."""
    anonymous: dict[str, Any] = {
        "email": f"erased-{user_id}@erased.invalid",
        "email_key": f"erased-{user_id}@erased.invalid",
        "username": None,
        "username_key": None,
        "first_name": "",
        "last_name": "",
        "password_hash": NO_PASSWORD,
        "roles": [],
        "email_verified_at": None,
        "contested": False,
        "is_active": False,
        "erased_at": func.coalesce(User.erased_at, now()),
    }
    statements: list[Any] = [
        update(User).where(User.id == user_id).values(anonymous),
        update(Profile).where(Profile.user_id == user_id).values(phone="", bio=""),
    ]
    for table in (RefreshFamily, SingleUseToken, ApiKey, SellerApplication, SavedAddress):
        statements.append(delete(table).where(table.user_id == user_id))
    for statement in statements:
        session.execute(statement.execution_options(synchronize_session=False))
    remove_avatar(session, user_id)


class AccountData:
    """What accounts keep of a person, for the hook `nexus_data_subjects`."""

    name = "accounts"

    def export(self, person_id: UUID) -> Mapping[str, Any]:
        """Account, profile, sign-ins, addresses, API keys without secrets, applications. Five queries."""
        session = current_session()
        columns = (User.id, User.email, User.username, User.first_name, User.last_name, User.roles)
        state = (User.email_verified_at, User.is_active, User.created_at, User.updated_at, User.erased_at)
        profile = (Profile.phone, Profile.bio, Profile.avatar)
        joined = select(*columns, *state, *profile).join(Profile, Profile.user_id == User.id)
        account = session.execute(joined.where(User.id == person_id)).mappings().first()
        return {
            "account": dict(account) if account else None,
            "sign_ins": _rows(RefreshFamily, person_id, "device network created_at rotated_at expires_at"),
            "addresses": _rows(
                SavedAddress,
                person_id,
                "label recipient phone address_line city region postal_code country is_default created_at",
            ),
            "api_keys": _rows(
                ApiKey, person_id, "name prefix scopes created_at expires_at last_used_at revoked_at"
            ),
            "seller_applications": _rows(
                SellerApplication, person_id, "shop_name message status reason created_at decided_at"
            ),
        }

    def erase(self, person_id: UUID) -> None:
        """As the contract says; it finds what came in while the account was being erased."""
        forget(current_session(), person_id)


def _rows(model: Any, person_id: UUID, names: str) -> list[dict[str, Any]]:
    columns = [getattr(model, name) for name in names.split()]
    statement = select(*columns).where(model.user_id == person_id).order_by(model.id)
    return [dict(row) for row in current_session().execute(statement).mappings()]
