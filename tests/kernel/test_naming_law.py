"""The naming law and the seams: each breach is found at the start and told with its remedy."""

import itertools

import pytest
from sqlalchemy.exc import InvalidRequestError

from nexus_kernel import StartupError
from nexus_kernel.naming import owner_of

LAWFUL = """
MANIFEST = Manifest(name="lamp", summary="", url_prefixes=("/api/lamp/",), provides=(Contract,))
blp = Blueprint("lamp", __name__, url_prefix="/api/lamp")

@blp.get("/<int:number>/")
@blp.requires("lamp.look")
@blp.response(204)
def look(number): ...

@task("lamp.clean")
def clean(): ...

class Switched(Event):
    name = "lamp.switched"

class Burnt(Conflict):
    code = "lamp.burnt"

class Bulb(Keyed, Model):
    __tablename__ = "{table}_bulb"

@hookimpl
def nexus_models(): return [Bulb]
@hookimpl
def nexus_blueprints(): return [blp]
@hookimpl
def nexus_tasks(): return [clean]
@hookimpl
def nexus_permissions(): return [Permission("lamp.look", "Look")]
@hookimpl
def nexus_subscriptions(): return [Subscription(Switched, print, "lamp.notice")]
@hookimpl
def nexus_services(): return {{Contract: lambda session: None}}
@hookimpl
def nexus_health_checks(): return [HealthCheck("lamp.glows", lambda: None)]
"""


_tables = itertools.count(1)


@pytest.fixture
def lamp(write_plugin):
    """A lawful plugin with one text in its source replaced by another; each has a table of its own."""

    def lamp(old: str = "", new: str = ""):
        # Tables of one process share a registry, so every written plugin gets a table name of its own.
        source = LAWFUL.format(table=f"lamp_{next(_tables)}")
        assert old in source
        return write_plugin(
            "class Contract: ...\n" + source.replace(old, new, 1) if old else "class Contract: ...\n" + source
        )

    return lamp


def test_a_lawful_plugin_starts(start, lamp):
    assert list(start(lamp()).extensions["nexus"].plugins) == ["lamp"]


BREACHES = {
    "a table": (
        '__tablename__ = "lamp_',
        '__tablename__ = "lantern_',
        "the table 'lantern_.* does not begin",
    ),
    "a model that is not contributed": ("return [Bulb]", "return []", "Bulb is not contributed"),
    "a blueprint": ('Blueprint("lamp"', 'Blueprint("torch"', "the blueprint 'torch' does not begin"),
    "a route outside of the prefixes": (
        'url_prefix="/api/lamp"',
        'url_prefix="/api/lampoon"',
        "/api/lampoon/<int:number>/ is outside",
    ),
    "a route without access": ('@blp.requires("lamp.look")\n', "", "look says nobody who may call it"),
    "an unknown permission": (
        'requires("lamp.look")',
        'requires("lamp.lok")',
        "look requires lamp.lok, which nobody declares",
    ),
    "a permission": ('Permission("lamp.look"', 'Permission("look"', "the permission 'look' does not begin"),
    "a task": ('@task("lamp.clean")', '@task("clean")', "the task 'clean' does not begin"),
    "a subscription": ('"lamp.notice"', '"notice"', "the subscription 'notice' does not begin"),
    "an error code": ('"lamp.burnt"', '"burnt"', "the error code 'burnt' does not begin"),
    "a health check": ('"lamp.glows"', '"glows"', "the health check 'glows' does not begin"),
    "a promise that is not kept": (
        "return {Contract: lambda session: None}",
        "return {}",
        "Contract is missing in nexus_services",
    ),
    "a service that was not promised": (
        "provides=(Contract,)",
        "provides=()",
        "Contract is missing in the manifest",
    ),
    "two views of one rule": (
        '@blp.get("/<int:number>/")',
        '@blp.get("/<int:n>/")\n@blp.public\ndef other(n): ...\n@blp.get("/<int:number>/")',
        "GET /api/lamp/<int:n.*>/ is a route of lamp too",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_the_start_refuses(start, lamp, breach):
    old, new, message = BREACHES[breach]
    with pytest.raises(StartupError, match=message) as caught:
        start(lamp(old, new))
    assert "lamp" in str(caught.value) and "->" in str(caught.value)


STRAYS = {
    "a view added by nexus_init_app": (
        "@hookimpl\ndef nexus_init_app(app): app.add_url_rule('/backdoor/', 'backdoor', lambda: 'in')"
    ),
    "a view added by nexus_app_ready": (
        "@hookimpl\ndef nexus_app_ready(app): app.add_url_rule('/backdoor/', 'backdoor', lambda: 'in')"
    ),
    "a view of a library": (
        "import json\n"
        "@hookimpl\ndef nexus_init_app(app): app.add_url_rule('/backdoor/', 'backdoor', json.dumps)"
    ),
    "a plain blueprint": """
import flask
plain = flask.Blueprint("plain", __name__)

@plain.get("/backdoor/")
def backdoor(): return "in"

@hookimpl
def nexus_init_app(app): app.register_blueprint(plain)
""",
    "a Nexus blueprint that was not contributed": """
other = Blueprint("other", __name__)

@other.get("/backdoor/")
@other.public
def backdoor(): return "in"

@hookimpl
def nexus_init_app(app): app.register_blueprint(other)
""",
    "a rule that a contributed blueprint adds beside itself": (
        "blp.record(lambda state: state.app.add_url_rule('/backdoor/', 'backdoor', lambda: 'in'))"
    ),
}


@pytest.mark.parametrize("stray", STRAYS)
def test_a_route_that_escapes_the_checks_is_refused_and_its_plugin_named(start, lamp, stray):
    with pytest.raises(StartupError) as caught:
        start(lamp("@hookimpl\ndef nexus_models", STRAYS[stray] + "\n@hookimpl\ndef nexus_models"))
    (line,) = [line for line in str(caught.value).splitlines() if "/backdoor/" in line]
    assert line.split()[0] == "lamp" and "who may call it" in line
    assert "nexus_kernel.Blueprint" in str(caught.value)


def test_a_blueprint_inside_of_a_contributed_one_is_refused(start, lamp):
    nested = """
inner = Blueprint("inner", __name__, url_prefix="/inner")

@inner.get("/backdoor/")
@inner.public
def backdoor(): return "in"

blp.register_blueprint(inner)
"""
    with pytest.raises(StartupError, match="backdoor says nobody who may call it"):
        start(lamp("@hookimpl\ndef nexus_models", nested + "\n@hookimpl\ndef nexus_models"))


def test_every_breach_is_in_one_report(start, lamp):
    with pytest.raises(StartupError) as caught:
        start(lamp('requires("lamp.look")', 'requires("lamp.lok", "x.y")'))
    assert "lamp.lok" in str(caught.value) and "x.y" in str(caught.value)


PAIR = """
MANIFEST = Manifest(name="{name}", summary="", url_prefixes=("/api/lights/",))
blp = Blueprint("{name}", __name__, url_prefix="/api/lights")

@blp.get("/")
@blp.public
def list_lights(): ...

@hookimpl
def nexus_blueprints(): return [blp]
"""


def test_two_plugins_with_one_rule_are_both_named(start, write_plugin):
    with pytest.raises(StartupError, match=r"(?s)GET /api/lights/ is a route of \w+ too") as caught:
        start(write_plugin(PAIR.format(name="moon")), write_plugin(PAIR.format(name="sun")))
    assert "moon" in str(caught.value) and "sun" in str(caught.value)


TASKS = """
MANIFEST = Manifest(name="{name}", summary="")

@task("{task}")
def work(): ...

@hookimpl
def nexus_tasks(): return [work]
"""


def test_two_plugins_with_one_task_name_are_both_named(start, write_plugin):
    sun = write_plugin(TASKS.format(name="sun", task="sun.rise"))
    moon = write_plugin(TASKS.format(name="moon", task="sun.rise"))
    with pytest.raises(StartupError, match=r"the task 'sun\.rise' of sun is registered by moon already"):
        start(sun, moon)


def test_the_longest_name_owns_what_two_names_begin():
    plugins = {"payments", "payments_chapa"}
    assert owner_of("payments_chapa_event", plugins, "_") == "payments_chapa"
    assert owner_of("payments_payment", plugins, "_") == "payments"
    assert owner_of("payments_chapalike", plugins, "_") == "payments"
    assert owner_of("paymentsx", plugins, "_") is None


def test_a_plugin_may_not_take_a_name_of_a_plugin_with_a_longer_name(start, write_plugin):
    short = write_plugin(TASKS.format(name="pay", task="pay.later"))
    assert start(short)
    longer = write_plugin("MANIFEST = Manifest(name='pay_later', summary='')")
    table = write_plugin("""
        MANIFEST = Manifest(name="pay", summary="")
        class Later(Keyed, Model):
            __tablename__ = "pay_later_invoice"
        @hookimpl
        def nexus_models(): return [Later]
    """)
    with pytest.raises(StartupError, match="the table 'pay_later_invoice' does not begin"):
        start(table, longer)


def test_a_foreign_key_stays_inside_its_plugin(start, write_plugin):
    plugin = write_plugin("""
        MANIFEST = Manifest(name="fig", summary="")
        class Fig(Keyed, Model):
            __tablename__ = "fig_fig"
            tree_id: Mapped[int] = mapped_column(ForeignKey("tree_tree.id"))
        @hookimpl
        def nexus_models(): return [Fig]
    """)
    with pytest.raises(StartupError, match="fig_fig has a foreign key to tree_tree, which leaves the plugin"):
        start(plugin)


def test_what_another_plugin_owns_is_not_held_against_an_object_of_the_same_module(start, lamp):
    lamp("return [Bulb]", "return []")

    class Neighbour:
        from nexus_kernel import Manifest

        MANIFEST = Manifest(name="lamp", summary="")

    assert start(Neighbour())


def test_a_model_that_cannot_be_mapped_harms_its_own_plugin_only(start, write_plugin, lamp):
    """Two tables of one name: the second plugin cannot be imported, and the first one starts."""
    healthy = lamp()
    twin = f"""
        class Twin(Keyed, Model):
            __tablename__ = "{healthy.nexus_models()[0].__tablename__}"
    """
    with pytest.raises(InvalidRequestError, match="already defined"):
        write_plugin(twin)
    assert "lamp" in start(healthy).extensions["nexus"].plugins
