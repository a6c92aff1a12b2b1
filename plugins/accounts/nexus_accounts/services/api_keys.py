"""Keys of machine clients: `Authorization: ApiKey nxk_<prefix>_<secret>`."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from nexus_accounts.config import AccountsConfig
from nexus_accounts.errors import ScopeRefused, TooManyKeys
from nexus_accounts.models import Act, ApiKey, User
from nexus_accounts.services.audit import audit
from nexus_kernel import (
    MEMBER,
    Actor,
    NotFound,
    Unauthorized,
    current_nexus,
    new_id,
    now,
    reading,
    settings,
)

MOST_KEYS = 50
"""Keys of one person that are not revoked."""
USE_NOTED_EVERY = timedelta(minutes=10)
_MARK = "nxk"


class ApiKeys:
    """The keys of one person. Making one needs a transaction."""

    def __init__(self, session: Session, owner: Actor) -> None:
        self._session = session
        self._owner = owner

    def issue(self, name: str, scopes: Sequence[str], expires_at: datetime | None) -> dict[str, Any]:
        """A new key with its `key`, which is shown this once.

        It lives `NEXUS_ACCOUNTS__API_KEY_DAYS` at most. Raises ScopeRefused and TooManyKeys.
        """
        self._check_scopes(scopes)
        self._check_number()
        prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        latest = now() + timedelta(days=settings(AccountsConfig).api_key_days)
        row = ApiKey(
            id=new_id(),
            user_id=self._owner.person_id,
            name=name,
            prefix=prefix,
            secret_hash=_digest(secret),
            scopes=sorted(set(scopes)),
            expires_at=min(expires_at or latest, latest),
        )
        self._session.add(row)
        self._session.flush()
        audit(self._session, Act.API_KEY_CREATED, row.user_id, key=str(row.id))
        return {**_shown(row), "key": f"{_MARK}_{prefix}_{secret}"}

    def mine(self) -> Select[tuple[ApiKey]]:
        """The person's keys that were not revoked, for `paginate` by id."""
        return select(ApiKey).where(ApiKey.user_id == self._owner.person_id, ApiKey.revoked_at.is_(None))

    def revoke(self, key_id: UUID) -> None:
        """End a key. Raises NotFound for a stranger's and for one that was revoked."""
        row = ApiKey
        mine = (row.id == key_id, row.user_id == self._owner.person_id, row.revoked_at.is_(None))
        ended = update(row).where(*mine).values(revoked_at=now()).returning(row.id)
        if self._session.scalar(ended) is None:
            raise NotFound("You have no such API key.")
        audit(self._session, Act.API_KEY_REVOKED, self._owner.person_id, key=str(key_id))

    def _check_scopes(self, scopes: Sequence[str]) -> None:
        policy = current_nexus().policy
        refused: dict[int, str] = {}
        for index, code in enumerate(scopes):
            if code not in policy.permissions:
                refused[index] = f"{code} is no permission of this shop."
            elif not policy.delegable(code):
                refused[index] = f"{code} is for people who sign in."
            elif not self._owner.can(code):
                refused[index] = f"{code} is not yours to give."
        if refused:
            raise ScopeRefused(refused)

    def _check_number(self) -> None:
        owner = self._owner.person_id
        self._session.execute(select(User.id).where(User.id == owner).with_for_update())
        held = self._session.scalar(select(func.count()).select_from(self.mine().subquery()))
        if (held or 0) >= MOST_KEYS:
            raise TooManyKeys(MOST_KEYS)


class ApiKeyAuthenticator:
    """Reads `Authorization: ApiKey <key>`, for the hook `nexus_authenticators`."""

    scheme = "ApiKey"
    description = "A key of a machine client, from POST /api/accounts/api_keys/."

    def authenticate(self, credentials: str) -> Actor:
        """The owner with today's roles, limited to the key's scopes. One query. Raises Unauthorized."""
        mark, _, rest = credentials.partition("_")
        prefix, _, secret = rest.partition("_")
        with reading() as session:
            well_formed = mark == _MARK and prefix.isascii() and prefix.isalnum()
            row = session.execute(_holding(prefix)).first() if well_formed else None
            if row is None or not hmac.compare_digest(row.secret_hash, _digest(secret)):
                challenge = current_nexus().authenticators.challenge
                raise Unauthorized("The API key is wrong, expired or revoked.", headers=challenge)
            _note_use(session, row.id, row.last_used_at)
        return Actor(row.user_id, frozenset(row.roles) | {MEMBER}, frozenset(row.scopes))


def _holding(prefix: str) -> Select[Any]:
    row = ApiKey
    columns = (row.id, row.user_id, row.secret_hash, row.scopes, row.last_used_at, User.roles)
    open_end = or_(row.expires_at.is_(None), row.expires_at > now())
    holds = (row.prefix == prefix, row.revoked_at.is_(None), open_end, User.is_active)
    return select(*columns).join(User, User.id == row.user_id).where(*holds)


def _note_use(session: Session, key_id: UUID, last: datetime | None) -> None:
    moment = now()
    if last is None or last < moment - USE_NOTED_EVERY:
        session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=moment))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def _shown(row: ApiKey) -> Mapping[str, Any]:
    names = ("id", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at")
    return {name: getattr(row, name) for name in names}
