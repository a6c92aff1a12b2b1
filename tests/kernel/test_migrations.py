"""Migrations: a branch and a version table a plugin, one at a time, and nothing of anybody else's."""

import threading

import pytest
from sqlalchemy import inspect, text

from nexus_kernel import StartupError, migrations
from nexus_kernel.testing import in_threads
from nexus_kernel.testing.fixtures import make_app

SHELF = """
class {contract}: ...
MANIFEST = Manifest(
    name="{name}", summary="", migrations="{package}", needs=({needs}), provides=({contract},),
)

class {Model}(Keyed, Model):
    __tablename__ = "{name}_thing"
    title: Mapped[str]

@hookimpl
def nexus_models(): return [{Model}]
@hookimpl
def nexus_services(): return {{{contract}: lambda session: None}}
"""


@pytest.fixture
def shop(nexus_engines, write_plugin, tmp_path):
    """Two plugins with tables, of which the second needs the first; nothing is migrated yet."""
    tag = f"t{abs(hash(str(tmp_path))) % 10**9}"
    for side in "ab":
        (tmp_path / f"{tag}{side}_migrations").mkdir()
        (tmp_path / f"{tag}{side}_migrations" / "__init__.py").touch()
    first, second = f"{tag}a", f"{tag}b"

    def source(name: str, needs: str) -> str:
        return SHELF.format(
            name=name, package=f"{name}_migrations", Model=name.capitalize(), contract=f"C{name}", needs=needs
        )

    one = write_plugin(source(first, ""))
    two = write_plugin(f"from {one.__name__} import C{first}\n" + source(second, f"C{first},"))
    name = f"test_{tag}"
    app = make_app(nexus_engines, nexus_engines.create(name), [one, two])
    yield app, first, second
    app.extensions["nexus"].db.close()
    nexus_engines.drop(name)


def tables(app) -> set[str]:
    return set(inspect(app.extensions["nexus"].db.engine).get_table_names())


def run(app, statement: str) -> None:
    with app.extensions["nexus"].db.transaction() as session:
        session.execute(text(statement))


@pytest.fixture
def migrated(shop):
    app, first, second = shop
    migrations.upgrade(app, "kernel")
    for name in (first, second):
        path = migrations.revision(app, name, "initial")
        assert path is not None and path.name.startswith(f"{name}_0001")
        other = second if name == first else first
        source = path.read_text()
        assert f"{name}_thing" in source and f"{other}_thing" not in source and "nexus_" not in source
    migrations.upgrade(app)
    return shop


def test_each_plugin_has_its_own_version_table_and_upgrading_again_changes_nothing(migrated):
    app, first, second = migrated
    before = tables(app)
    assert {f"nexus_version_{name}" for name in ("kernel", first, second)} <= before
    assert {f"{first}_thing", f"{second}_thing", "nexus_outbox"} <= before
    assert [(s.name, s.current, s.is_current) for s in migrations.status(app)][1:] == [
        (first, f"{first}_0001", True),
        (second, f"{second}_0001", True),
    ]
    migrations.upgrade(app)
    assert tables(app) == before and migrations.check(app) == []


def test_two_upgrades_at_once_are_one_upgrade(migrated):
    app, _, second = migrated
    migrations.downgrade(app, second)
    in_threads([lambda: migrations.upgrade(app)] * 2)
    assert migrations.check(app) == []


def test_check_finds_a_branch_behind_its_head_and_a_table_unlike_its_model(migrated):
    app, first, second = migrated
    run(app, f"ALTER TABLE {first}_thing ADD COLUMN colour text")
    (problem,) = migrations.check(app)
    assert problem.startswith(f"{first}: the models differ") and "colour" in problem
    migrations.downgrade(app, second)
    (problem,) = migrations.check(app)
    assert problem.startswith(f"{second}: at nothing") and "nexus db upgrade" in problem


def test_a_downgrade_is_refused_while_another_plugin_needs_it(migrated):
    app, first, second = migrated
    with pytest.raises(StartupError, match=f"{second} need {first}"):
        migrations.downgrade(app, first)
    with pytest.raises(StartupError, match="need kernel"):
        migrations.downgrade(app, "kernel")
    assert migrations.check(app) == []


def test_a_downgrade_drops_its_own_tables_only(migrated):
    app, _, second = migrated
    before = tables(app)
    migrations.downgrade(app, second)
    assert before - tables(app) == {f"{second}_thing"}


def test_an_unknown_revision_or_branch_is_a_sentence(migrated):
    app, first, _ = migrated
    with pytest.raises(StartupError, match="nonsense"):
        migrations.downgrade(app, first, "nonsense")
    with pytest.raises(StartupError, match="nobody has no migrations"):
        migrations.upgrade(app, "nobody")


def test_rows_are_counted_by_table(migrated):
    app, first, _ = migrated
    run(app, f"INSERT INTO {first}_thing (id, title) VALUES (gen_random_uuid(), 'x')")
    assert migrations.row_counts(app, first) == {f"{first}_thing": 1}
    assert set(migrations.row_counts(app, "kernel")) == {
        "nexus_outbox",
        "nexus_delivery",
        "nexus_idempotency",
        "nexus_media_orphan",
    }


def test_a_revision_without_a_change_is_not_written(migrated):
    app, first, _ = migrated
    assert migrations.revision(app, first, "nothing") is None


def test_a_locked_table_is_waited_for_and_tried_again(migrated):
    app, _, second = migrated
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with app.extensions["nexus"].db.transaction() as session:
            session.execute(text(f"LOCK TABLE {second}_thing"))
            held.set()
            release.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(20)
    threading.Timer(1.3, release.set).start()
    migrations.downgrade(app, second)
    holder.join()
    assert f"{second}_thing" not in tables(app)


def test_a_package_of_migrations_that_is_not_there_is_a_sentence(start, write_plugin):
    app = start(write_plugin("MANIFEST = Manifest(name='lost', summary='', migrations='no_such.migrations')"))
    with pytest.raises(StartupError, match=r"no_such\.migrations.* is not a package"):
        migrations.branches(app.extensions["nexus"])
