"""Signing in, and refresh tokens that are rotated.

A family is what came from one sign-in. Each refresh spends its token and gives the next; a spent one that
comes again was stolen, or its successor was, so the family ends (RFC 9700, 4.14.2).
"""

import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from flask_jwt_extended import create_refresh_token
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from nexus_accounts.addresses import email_key
from nexus_accounts.config import AccountsConfig
from nexus_accounts.errors import InvalidCredentials, RefreshTokenRefused
from nexus_accounts.models import Act, AuditEntry, RefreshFamily, User
from nexus_accounts.passwords import verify_password
from nexus_accounts.services import attempts
from nexus_accounts.services.audit import COARSE_ENTRY, audit, coarse_values, report_failed_sign_in
from nexus_accounts.services.devices import this_device
from nexus_accounts.services.revocation import CLAIM, sign_in_claim
from nexus_kernel import (
    current_nexus,
    issue_access_token,
    new_id,
    now,
    querying,
    settings,
    verified_claims,
)

log = logging.getLogger("nexus.accounts")

_CREDENTIALS = select(User.id, User.password_hash, User.roles, User.token_version).where(
    User.email_key == bindparam("key"), User.is_active
)
_BEGINNING = ("id", "user_id", "token_version", "jti", "created_at", "expires_at", "device", "network")
_START = (
    insert(RefreshFamily.__table__)
    .values({name: bindparam(name) for name in _BEGINNING})
    .add_cte(COARSE_ENTRY.returning(AuditEntry.id).cte("audited"))
)


def sign_in(email: str, password: str, network: str) -> dict[str, str]:
    """An access and a refresh token. No connection is held while the password is checked.

    Raises InvalidCredentials, after the same work whatever is wrong; Throttled; PasswordsBusy.
    """
    attempt = attempts.begin(email, network)
    with querying() as connection:
        person = connection.execute(_CREDENTIALS, {"key": email_key(email)}).first()
    fits = verify_password(person.password_hash if person else None, password)
    if person is None or not fits:
        report_failed_sign_in(person and person.id)
        raise InvalidCredentials
    attempt.succeeded()
    with querying() as connection:
        return start_family(connection, person)


def start_family(connection: Connection, person: Any) -> dict[str, str]:
    """The first tokens of a new family; signing in is written down by the same statement."""
    family, jti, expires_at = new_id(), uuid4(), _expiry()
    values = {
        "id": family,
        "user_id": person.id,
        "token_version": person.token_version,
        "jti": jti,
        "created_at": now(),
        "expires_at": expires_at,
        **this_device(),
    }
    connection.execute(_START, values | coarse_values(Act.SIGNED_IN, person.id, actor_id=person.id))
    return _tokens(person, family, jti, expires_at)


class Families:
    """The refresh token families. Each write is a single statement, so autocommit will do."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rotate(self, token: str) -> dict[str, str]:
        """Spend a refresh token for an access token and the next refresh token.

        Of two at once exactly one succeeds. Raises Unauthorized for what is no refresh token,
        RefreshTokenRefused for a spent or revoked one.
        """
        user_id, family, jti = _identity(token)
        successor, expires_at, moment = uuid4(), _expiry(), now()
        row = RefreshFamily
        good = (row.id == family, row.user_id == user_id, row.jti == jti, row.expires_at > moment)
        owner = (User.id == row.user_id, User.is_active, User.token_version == row.token_version)
        statement = update(row).where(*good, *owner)
        statement = statement.values(
            jti=successor, previous_jti=jti, rotated_at=moment, expires_at=expires_at
        ).execution_options(synchronize_session=False)
        person = self._session.execute(statement.returning(User.id, User.roles, User.token_version)).first()
        if person is None:
            self._end_reused(family, jti)
            raise RefreshTokenRefused
        return _tokens(person, family, successor, expires_at)

    def revoke(self, token: str) -> None:
        """End the token's family; nothing happens when it has ended already. Raises Unauthorized.

        Its access tokens end with it, in this process at once.
        """
        user_id, family, _ = _identity(token)
        row = RefreshFamily
        self._session.execute(delete(row).where(row.id == family, row.user_id == user_id))
        current_nexus().tokens.forget(user_id)

    def prune(self) -> None:
        """Delete expired families."""
        self._session.execute(delete(RefreshFamily).where(RefreshFamily.expires_at < now()))

    def _end_reused(self, family: UUID, jti: UUID) -> None:
        grace = timedelta(seconds=settings(AccountsConfig).refresh_grace_seconds)
        row = RefreshFamily
        late = row.previous_jti.is_distinct_from(jti) | (row.rotated_at <= now() - grace)
        ended = self._session.execute(delete(row).where(row.id == family, late).returning(row.user_id))
        user_id = ended.scalar()
        if user_id is not None:
            current_nexus().tokens.forget(user_id)
            audit(self._session, Act.REFRESH_REUSED, user_id, device=str(family))
            log.warning("a refresh token of %s did not hold; the family %s was ended", user_id, family)


def _tokens(person: Any, family: UUID, jti: UUID, expires_at: datetime) -> dict[str, str]:
    claims = {"family": str(family), "jti": str(jti), "exp": expires_at}
    refresh: str = create_refresh_token(str(person.id), additional_claims=claims)
    known = {CLAIM: sign_in_claim(person.token_version, family)}
    return {"access": issue_access_token(person.id, person.roles, known), "refresh": refresh}


def _identity(token: str) -> tuple[UUID, UUID, UUID]:
    claims = verified_claims(token, "refresh")
    try:
        return UUID(claims["sub"]), UUID(claims["family"]), UUID(claims["jti"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise RefreshTokenRefused from None


def _expiry() -> datetime:
    return now() + timedelta(days=settings(AccountsConfig).refresh_token_days)
