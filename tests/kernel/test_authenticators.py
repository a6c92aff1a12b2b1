"""Ways to authenticate that plugins contribute, and actors with scopes."""

import pytest

from nexus_kernel import (
    Actor,
    Blueprint,
    Manifest,
    Permission,
    StartupError,
    Unauthorized,
    create_app,
    current_actor,
    hookimpl,
    new_id,
)
from nexus_kernel.authenticators import Authenticators
from nexus_kernel.testing import in_threads
from nexus_kernel.testing.fixtures import SECRET_KEY

blp = Blueprint("gate", __name__, url_prefix="/api/gate")


@blp.get("/who/")
@blp.public
@blp.response(200)
def who():
    return {"id": str(current_actor().id)}


@blp.get("/wave/")
@blp.requires("gate.wave")
@blp.response(200)
def wave():
    return {"id": str(current_actor().id)}


@blp.get("/lounge/")
@blp.requires("gate.wave", guests=True)
@blp.response(200)
def lounge():
    return {"id": str(current_actor().id)}


@blp.get("/pass/")
@blp.requires("gate.wave", "gate.pass")
@blp.response(200)
def go_through():
    return {}


@blp.get("/own/")
@blp.requires("gate.own")
@blp.response(200)
def own():
    return {}


@blp.get("/people/")
@blp.requires()
@blp.response(200)
def people():
    return {}


class Badges:
    """Knows badges by their number, and counts how often it was asked."""

    scheme = "Badge"
    description = "The number of a badge."

    def __init__(self):
        self.actors: dict[str, Actor] = {}
        self.asked = 0

    def authenticate(self, credentials: str) -> Actor:
        self.asked += 1
        if credentials not in self.actors:
            raise Unauthorized("There is no such badge.")
        return self.actors[credentials]


class Gate:
    MANIFEST = Manifest(name="gate", summary="A gate", url_prefixes=("/api/gate/",))

    def __init__(self, *badges):
        self.badges = badges or (Badges(),)

    @hookimpl
    def nexus_blueprints(self):
        return [blp]

    @hookimpl
    def nexus_authenticators(self):
        return self.badges

    @hookimpl
    def nexus_permissions(self):
        return [
            Permission("gate.wave", "Wave"),
            Permission("gate.pass", "Pass", roles=("guard",)),
            Permission("gate.own", "One's own", personal=True),
        ]


def make(*badges):
    config = {"kernel": {"environment": "test", "secret_key": SECRET_KEY}}
    return create_app(config, plugins=[Gate(*badges)])


@pytest.fixture
def badges():
    return Badges()


@pytest.fixture
def get(badges):
    app = make(badges)
    return lambda path, header: app.test_client().get(f"/api/gate/{path}/", headers={"Authorization": header})


def actor(*scopes, roles=("member", "admin")):
    return Actor(new_id(), frozenset(roles), frozenset(scopes))


def test_a_scheme_of_a_plugin_says_who_acts(badges, get):
    badges.actors["7"] = actor("gate.wave")
    for header in ("Badge 7", "badge 7", "BADGE  7 "):
        assert get("wave", header).json == {"id": str(badges.actors["7"].id)}
    assert get("who", "Badge 7").json == {"id": str(badges.actors["7"].id)}


@pytest.mark.parametrize("header", ["Badge 8", "Badge", "Badge ", "Badges 7", "Basic YTpi", "Badge é", "7"])
def test_what_does_not_hold_is_401_and_names_every_scheme(badges, get, header):
    badges.actors["7"] = actor("gate.wave")
    assert get("wave", header).status_code == 401
    assert get("wave", "Basic YTpi").headers["WWW-Authenticate"] == "Bearer, Badge"


def test_credentials_that_held_are_not_asked_about_again_for_a_moment(badges, get):
    badges.actors["7"] = actor("gate.wave")
    assert {get("wave", "Badge 7").status_code for _ in range(5)} == {200}
    assert badges.asked == 1
    assert {get("wave", "Badge 8").status_code for _ in range(2)} == {401}
    assert badges.asked == 3


def test_many_threads_ask_about_one_badge_and_get_its_actor(badges):
    badges.actors["7"] = actor("gate.wave")
    known = Authenticators()
    known.add(badges, "gate")
    assert set(in_threads([lambda: known.actor("badge", "7")] * 8)) == {badges.actors["7"]}


def test_scopes_take_away_and_never_give(badges, get):
    badges.actors["narrow"] = actor("gate.wave")
    badges.actors["wide"] = actor("gate.wave", "gate.pass", "gate.nothing")
    badges.actors["poor"] = actor("gate.wave", "gate.pass", roles=("member",))
    badges.actors["none"] = actor()
    reached = {
        name: [get(p, f"Badge {name}").status_code for p in ("wave", "pass")] for name in badges.actors
    }
    assert reached == {"narrow": [200, 403], "wide": [200, 200], "poor": [200, 403], "none": [403, 403]}


def test_a_personal_permission_is_never_a_machines_even_if_a_scope_names_it(badges, get):
    badges.actors["7"] = actor("gate.own", "gate.wave")
    assert get("own", "Badge 7").status_code == 403


def test_a_route_for_guests_is_no_way_around_a_missing_scope(badges, get):
    badges.actors |= {"7": actor("gate.wave"), "8": actor("gate.pass")}
    assert [get("lounge", header).status_code for header in ("", "Badge 7", "Badge 8", "Badge 9")] == [
        200,
        200,
        403,
        401,
    ]


def test_a_route_that_names_no_permission_is_for_people(badges, get):
    badges.actors["7"] = actor("gate.wave")
    assert get("people", "Badge 7").status_code == 403


def test_the_document_offers_the_scheme_where_it_can_be_used(badges):
    document = make(badges).extensions["nexus"].api.document()
    scheme = document["components"]["securitySchemes"]["badge"]
    assert (scheme["in"], scheme["name"]) == ("header", "Authorization")
    assert "The number of a badge." in scheme["description"]
    secured = {path: methods["get"]["security"] for path, methods in document["paths"].items()}
    both, bearer = [{"bearer": []}, {"badge": []}], [{"bearer": []}]
    assert secured == {
        "/api/gate/who/": [],
        "/api/gate/wave/": both,
        "/api/gate/lounge/": [{}, *both],
        "/api/gate/pass/": both,
        "/api/gate/own/": bearer,
        "/api/gate/people/": bearer,
    }


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "two words", "", "X-Key:", "é"])
def test_a_scheme_that_cannot_be_one_is_refused_at_the_start(badges, scheme):
    badges.scheme = scheme
    with pytest.raises(StartupError, match="cannot be a scheme"):
        make(badges)


def test_two_authenticators_of_one_scheme_are_refused_at_the_start():
    first, second = Badges(), Badges()
    second.scheme = "BADGE"
    with pytest.raises(StartupError, match="registered by gate already"):
        make(first, second)
