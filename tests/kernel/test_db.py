"""Units of work: one transaction, joined by those inside it, and honest about a database that is away."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped

from nexus_kernel import (
    Blueprint,
    Keyed,
    Manifest,
    Model,
    amount_column,
    create_app,
    currency_column,
    current_session,
    hookimpl,
    money_checks,
    on_commit,
    querying,
    reading,
    transaction,
)  # fmt: skip
from nexus_kernel.embedded import EmbeddedPostgres
from nexus_kernel.testing import count_queries
from nexus_kernel.testing.fixtures import SECRET_KEY

blp = Blueprint("till", __name__, url_prefix="/api/till")


class Coin(Keyed, Model):
    __tablename__ = "till_coin"
    __table_args__ = money_checks("worth_minor")

    worth_minor: Mapped[int] = amount_column()
    currency: Mapped[str] = currency_column()


class Stranger(Keyed, Model):
    __tablename__ = "stranger_row"


@blp.get("/")
@blp.public
@blp.response(200)
def look():
    with reading() as session:
        return {"answer": session.scalar(text("SELECT 42"))}


class Till:
    MANIFEST = Manifest(name="till", summary="Coins", url_prefixes=("/api/till/",))

    @hookimpl
    def nexus_models(self):
        return [Coin]

    @hookimpl
    def nexus_blueprints(self):
        return [blp]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Till()]


@pytest.fixture
def till(app):
    nexus = app.extensions["nexus"]
    nexus.db.metadata.tables["till_coin"].create(nexus.db.engine)
    with app.app_context():
        yield app


def coins() -> list[int]:
    with reading() as session:
        return sorted(session.scalars(select(Coin.worth_minor)))


def add(minor: int, currency: str = "ETB") -> None:
    current_session().add(Coin(worth_minor=minor, currency=currency))
    current_session().flush()


def test_an_inner_transaction_joins_the_outer_one(till):
    with pytest.raises(RuntimeError), transaction() as outer:
        with transaction() as inner, reading() as reader:
            assert inner is outer is reader
            add(1)
        raise RuntimeError
    assert coins() == []


def test_a_transaction_inside_of_a_reading_is_a_transaction_of_its_own(till):
    with reading():
        with pytest.raises(RuntimeError), transaction():
            add(1)
            raise RuntimeError
        with transaction():
            add(2)
        assert coins() == [2]


def test_steps_after_the_commit_run_after_it_and_only_then(till):
    seen: list[list[int]] = []
    with transaction():
        add(1)
        on_commit(lambda: seen.append(coins()))
        assert seen == []
    assert seen == [[1]]
    with pytest.raises(RuntimeError), transaction():
        on_commit(lambda: seen.append([]))
        raise RuntimeError
    assert seen == [[1]]


def test_a_step_after_the_commit_that_fails_is_logged_and_stops_neither_the_answer_nor_the_next(
    till, nexus_log
):
    ran = []
    with transaction():
        add(1)
        on_commit(lambda: 1 / 0)
        on_commit(lambda: ran.append(True))
    assert ran and coins() == [1]
    assert [record.exc_info[0] for record in nexus_log if record.exc_info] == [ZeroDivisionError]


def test_a_reading_sends_its_statement_and_nothing_else(till):
    with count_queries(till) as queries:
        coins()
    assert len(queries) == 1, str(queries)
    with count_queries(till) as queries, transaction():
        add(1)
    assert queries.statements[0] == "BEGIN" and queries.statements[-1] == "COMMIT" and len(queries) == 3


def test_a_bare_connection_sends_its_statement_and_nothing_else(till):
    with count_queries(till) as queries, querying() as connection:
        assert connection.execute(select(Coin.worth_minor)).all() == []
    assert len(queries) == 1, str(queries)


def test_a_bare_connection_inside_of_a_transaction_sees_what_that_wrote(till):
    with pytest.raises(RuntimeError), transaction():
        add(7)
        with querying() as connection:
            assert connection.execute(select(Coin.worth_minor)).scalars().all() == [7]
        raise RuntimeError
    assert coins() == []


def test_a_connection_that_a_transaction_used_is_in_autocommit_again(till):
    with transaction():
        add(1)
    with pytest.raises(RuntimeError), transaction():
        raise RuntimeError
    with querying() as connection:
        assert connection.connection.dbapi_connection.autocommit


@pytest.mark.parametrize("call", [current_session, lambda: on_commit(print)])
def test_outside_of_a_unit_of_work_there_is_no_session(till, call):
    with pytest.raises(RuntimeError, match="with transaction"):
        call()


def test_a_step_after_the_commit_needs_a_transaction(till):
    with reading(), pytest.raises(RuntimeError, match="with transaction"):
        on_commit(print)


@pytest.mark.parametrize(
    ("minor", "currency"), [(-1, "ETB"), (10**15 + 1, "ETB"), (1, "etb"), (1, "EU"), (1, "")]
)
def test_the_database_refuses_an_impossible_amount_itself(till, minor, currency):
    with pytest.raises(IntegrityError), transaction():
        add(minor, currency)


def test_the_tables_of_an_application_are_those_of_its_plugins(till):
    tables = set(till.extensions["nexus"].db.metadata.tables)
    assert tables == {
        "till_coin",
        "nexus_outbox",
        "nexus_delivery",
        "nexus_idempotency",
        "nexus_media_orphan",
    }


def unavailable(response) -> None:
    assert response.status_code == 503, response.text
    assert (
        response.content_type == "application/problem+json" and response.json["code"] == "kernel.unavailable"
    )
    assert int(response.headers["Retry-After"]) >= 1


def test_an_exhausted_pool_is_503(till):
    engine = till.extensions["nexus"].db.engine
    engine.pool._timeout = 0.05
    held = [engine.connect() for _ in range(30)]
    unavailable(till.test_client().get("/api/till/"))
    for connection in held:
        connection.close()
    assert till.test_client().get("/api/till/").status_code == 200


def test_a_database_that_goes_away_is_503_and_comes_back_without_a_restart(tmp_path):
    postgres = EmbeddedPostgres(tmp_path / "postgres", durable=False, allow_system=True)
    kernel = {"environment": "test", "secret_key": SECRET_KEY, "redis_url": "redis://127.0.0.1:1/0"}
    with postgres:
        kernel["database_url"] = postgres.url("postgres")
        app = create_app({"kernel": kernel}, plugins=[Till()])
        client = app.test_client()
        assert client.get("/api/till/").json == {"answer": 42}
        postgres.kill()
        for _ in range(2):
            unavailable(client.get("/api/till/"))
        ready = client.get("/readyz")
        assert ready.status_code == 503 and "PostgreSQL" in ready.json["checks"]["database"]
        assert client.get("/healthz").status_code == 200
        postgres.start()
        assert client.get("/api/till/").json == {"answer": 42}
        assert client.get("/readyz").json["status"] == "degraded", "Valkey is away, the shop serves"
        app.extensions["nexus"].db.close()


def test_a_broken_rule_at_the_commit_is_not_taken_for_a_lost_connection(till):
    from nexus_kernel.db import connection_lost

    with transaction() as session:
        session.execute(text("ALTER TABLE till_coin ADD UNIQUE (worth_minor) DEFERRABLE INITIALLY DEFERRED"))
    with pytest.raises(IntegrityError) as caught, transaction():
        add(1)
        add(1)
    assert not connection_lost(caught.value)
