"""The database: engine, sessions, units of work, and the base of every model."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import orjson
import uuid_utils.compat
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Connection,
    DateTime,
    Engine,
    MetaData,
    String,
    create_engine,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as SQLAlchemyTimeoutError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from nexus_kernel.cursors import DescribedCursor
from nexus_kernel.errors import StartupError
from nexus_kernel.money import LARGEST_MINOR

if TYPE_CHECKING:
    from nexus_kernel.contracts.events import Event

log = logging.getLogger("nexus.db")

RANDOM_PAGE_COST = 1.1
"""PostgreSQL's default, 4, is for disks that turn: with it a page of a list reads small tables as a whole."""


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): sorts by time of creation, so that indexes grow at their end."""
    return uuid_utils.compat.uuid7()


def now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


class Model(DeclarativeBase):
    """The base of every table. Constraints are named by convention, so that migrations can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True), dict[str, Any]: JSONB}


class Keyed:
    """Gives a model its UUIDv7 primary key `id`."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class Timestamped:
    """Gives a model `created_at` and `updated_at`, both in UTC."""

    created_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now, server_default=func.now())


def amount_column(**options: Any) -> Mapped[int]:
    """A column of minor units. Name it `<what>_minor` and add `money_checks(<what>_minor)` to the table."""
    return mapped_column(BigInteger, **options)


def currency_column(**options: Any) -> Mapped[str]:
    """A column with an ISO 4217 code."""
    return mapped_column(String(3), **options)


def money_checks(*columns: str, currency: str = "currency") -> tuple[CheckConstraint, ...]:
    """CHECKs that the amounts are between 0 and the largest one, and that the currency is three capitals."""
    amounts = (
        CheckConstraint(f"{column} BETWEEN 0 AND {LARGEST_MINOR}", name=f"{column}_range")
        for column in columns
    )
    return (*amounts, CheckConstraint(f"{currency} ~ '^[A-Z]{{3}}$'", name=f"{currency}_code"))


@dataclass
class Unit:
    """A unit of work: one session, the events to publish with it, and what to do once it is committed."""

    session: Session
    atomic: bool
    events: list["Event"] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)


Reader = Session | Connection
"""What runs a Core select."""

_unit: ContextVar[Unit | None] = ContextVar("nexus_unit", default=None)


class Database:
    """One engine. Its pool opens connections when they are needed; there is no overflow."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        lock_timeout_ms: int = 2000,
        statement_timeout_ms: int = 15000,
        prepared_statements: bool = True,
    ) -> None:
        self.url = url
        self._pool_size = pool_size
        self._settings = (
            f"-c lock_timeout={lock_timeout_ms} -c statement_timeout={statement_timeout_ms} -c timezone=UTC "
            f"-c random_page_cost={RANDOM_PAGE_COST}"
        )
        self._prepare_threshold = 5 if prepared_statements else None
        self._base: Engine | None = None
        self._engine: Engine | None = None
        self._models: tuple[type[Model], ...] = ()
        self.before_commit: list[Callable[[Unit], None]] = []

    @property
    def base_engine(self) -> Engine:
        """The engine with the pool, in autocommit; listen to this one. It connects when it is first used."""
        if self._base is None:
            self._base = create_engine(
                postgres_url(self.url),
                isolation_level="AUTOCOMMIT",
                skip_autocommit_rollback=True,
                pool_size=self._pool_size,
                max_overflow=0,
                pool_timeout=5,
                json_serializer=lambda value: orjson.dumps(value).decode(),
                json_deserializer=orjson.loads,
                connect_args={
                    "connect_timeout": 3,
                    "options": self._settings,
                    "prepare_threshold": self._prepare_threshold,
                    "cursor_factory": DescribedCursor,
                },
            )
        return self._base

    @property
    def engine(self) -> Engine:
        """The same pool for transactions."""
        if self._engine is None:
            self._engine = self.base_engine.execution_options(isolation_level="READ COMMITTED")
        return self._engine

    def own(self, models: Iterable[type["Model"]]) -> None:
        """Note that the tables of these models are this application's."""
        self._models = tuple(models)

    @cached_property
    def metadata(self) -> MetaData:
        """The tables of this application's plugins, and of nobody else; made for the migrations."""
        metadata = MetaData(naming_convention=Model.metadata.naming_convention)
        for model in self._models:
            Model.metadata.tables[model.__tablename__].to_metadata(metadata)
        return metadata

    def dispose(self) -> None:
        """Forget pooled connections without closing them: for a process that has just been forked."""
        if self._base is not None:
            self._base.dispose(close=False)

    def close(self) -> None:
        """Close every pooled connection."""
        if self._base is not None:
            self._base.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an exception.

        Inside another transaction it joins that one. Services flush; only the edge that opened the
        transaction commits. Events published in it are written just before the commit.
        """
        outer = _unit.get()
        if outer is not None and outer.atomic:
            yield outer.session
            return
        with Session(self.engine, expire_on_commit=False) as session:
            unit = Unit(session, atomic=True)
            with _entered(unit), session.begin():
                yield session
                for step in self.before_commit:
                    step(unit)
        _run(unit.after_commit)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session in autocommit, for reads and for writes of a single statement: no BEGIN, no COMMIT."""
        outer = _unit.get()
        if outer is not None:
            yield outer.session
            return
        session = Session(self.base_engine, expire_on_commit=False)
        with session, _entered(Unit(session, atomic=False)):
            yield session

    @contextmanager
    def querying(self) -> Iterator[Connection]:
        """A connection in autocommit, for reads that are hot and made of Core selects.

        It does without the session of `reading()`, and without its unit of work: contracts need that.
        """
        outer = _unit.get()
        if outer is not None:
            yield outer.session.connection()
            return
        with self.base_engine.connect() as connection:
            yield connection


def postgres_url(url: str) -> str:
    """The address with psycopg 3 as its driver. Raises StartupError for another database."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StartupError("is not an address such as postgresql://user@host/database") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise StartupError(f"must name a PostgreSQL database, not {parsed.get_backend_name()}")
    return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def connection_lost(error: BaseException) -> bool:
    """True when the database went away, rather than refused the statement."""
    if isinstance(error, SQLAlchemyTimeoutError):
        return True
    out_of_reach = isinstance(error, OperationalError | InterfaceError) and error.statement is None
    return out_of_reach or (isinstance(error, DBAPIError) and error.connection_invalidated)


def current_unit() -> Unit:
    """The unit of work under way. Raises RuntimeError outside of `transaction()` and `reading()`."""
    unit = _unit.get()
    if unit is None:
        raise RuntimeError("no unit of work: open one with `with transaction():` or `with reading():`")
    return unit


def in_transaction() -> bool:
    """True inside of `transaction()`: what takes long does not belong here."""
    unit = _unit.get()
    return unit is not None and unit.atomic


def current_session() -> Session:
    """The session of the unit of work under way."""
    return current_unit().session


def on_commit(callback: Callable[[], None]) -> None:
    """Run `callback` after the transaction is committed; never when it is rolled back.

    A callback that raises is logged: what is committed cannot be answered with an error any more.
    """
    unit = current_unit()
    if not unit.atomic:
        raise RuntimeError("on_commit() needs a transaction: open one with `with transaction():`")
    unit.after_commit.append(callback)


@contextmanager
def _entered(unit: Unit) -> Iterator[None]:
    token = _unit.set(unit)
    try:
        yield
    finally:
        _unit.reset(token)


def _run(callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:
            log.exception("a step after the commit failed")
