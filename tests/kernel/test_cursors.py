"""Descriptions of results are remembered, and are those that psycopg makes."""

import psycopg
import pytest
from sqlalchemy import text

from nexus_kernel import cursors, querying

OWN = psycopg.Cursor.description.fget


@pytest.fixture(scope="session")
def nexus_plugins():
    return []


def described(app, statement):
    with app.app_context(), querying() as connection:
        cursor = connection.connection.driver_connection.execute(statement)
        assert type(cursor) is cursors.DescribedCursor
        return cursor.description, OWN(cursor)


def plain(description):
    return None if description is None else [tuple(column) for column in description]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 AS a, 'x'::varchar(7) AS b",
        "SELECT 1::bigint AS a, 'x'::varchar(7) AS b",
        "SELECT 1 AS a, 'x'::varchar(9) AS b",
        "SELECT 1.50::numeric(8, 2) AS a, NULL::uuid[] AS b",
        "SELECT",
        "SET application_name TO 'x'",
    ],
)
def test_a_description_is_psycopgs_own_however_often_it_is_asked_for(app, statement):
    for _ in range(2):
        mine, theirs = described(app, statement)
        assert plain(mine) == plain(theirs)


def test_results_of_the_same_names_and_other_types_are_kept_apart(app):
    small, large = (described(app, f"SELECT 1::{kind} AS same")[0] for kind in ("int", "bigint"))
    assert small[0].type_code != large[0].type_code
    assert described(app, "SELECT 2::int AS same")[0] is small


def test_what_is_remembered_is_bounded(app, monkeypatch):
    monkeypatch.setattr(cursors, "MOST_DESCRIPTIONS", 3)
    monkeypatch.setattr(cursors, "_known", {})
    for number in range(10):
        described(app, f"SELECT 1 AS column_{number}")
    assert len(cursors._known) <= 3
    with app.app_context(), querying() as connection:
        assert connection.execute(text("SELECT 1 AS after")).scalar_one() == 1
