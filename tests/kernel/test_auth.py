"""Access tokens and permissions: closed by default, and no header is a 500."""

import base64
import json
from datetime import timedelta
from time import time

import jwt
import pytest
from flask_jwt_extended import create_access_token, create_refresh_token
from sqlalchemy.exc import OperationalError

from nexus_kernel import (
    ADMIN,
    MEMBER,
    Blueprint,
    Manifest,
    Permission,
    Unauthorized,
    current_actor,
    hookimpl,
    issue_access_token,
    new_id,
    verified_claims,
)
from nexus_kernel.context import current_actor_id
from nexus_kernel.testing import auth_headers, in_threads
from nexus_kernel.testing.fixtures import SECRET_KEY
from nexus_kernel.tokens import TokenCache

blp = Blueprint("door", __name__, url_prefix="/api/door")


@blp.get("/open/")
@blp.public
@blp.response(200)
def open_door():
    return {"acts": str(current_actor_id())}


@blp.get("/who/")
@blp.public
@blp.response(200)
def who_enters():
    return {"id": str(current_actor().id)}


@blp.get("/member/")
@blp.requires()
@blp.response(200)
def member_door():
    return {"id": str(current_actor().id), "roles": sorted(current_actor().roles)}


@blp.get("/staff/")
@blp.requires("door.open", "door.lock")
@blp.response(200)
def staff_door():
    return {}


@blp.get("/either/")
@blp.requires_any("door.open", "door.lock")
@blp.response(200)
def either_door():
    return {}


@blp.get("/lobby/")
@blp.requires("door.open", "door.lock", guests=True)
@blp.response(200)
def lobby():
    return {"id": str(current_actor().id)}


class Door:
    MANIFEST = Manifest(name="door", summary="Doors", url_prefixes=("/api/door/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]

    @hookimpl
    def nexus_permissions(self):
        return [
            Permission("door.open", "Open", ("staff", "guard")),
            Permission("door.lock", "Lock", ("staff",)),
        ]


@pytest.fixture(scope="module")
def door():
    from nexus_kernel import create_app

    return create_app({"kernel": {"environment": "test", "secret_key": SECRET_KEY}}, plugins=[Door()])


def get(door, path: str, header: str | None = None):
    headers = {} if header is None else {"Authorization": header}
    return door.test_client().get(f"/api/door/{path}/", headers=headers)


def claims(**changes) -> dict:
    now = int(time())
    whole = {"sub": str(new_id()), "type": "access", "fresh": False, "jti": "1", "iat": now, "nbf": now,
             "exp": now + 60, "roles": []}  # fmt: skip
    return {name: value for name, value in (whole | changes).items() if value is not None}


def signed(key: str = SECRET_KEY, algorithm: str = "HS256", **changes) -> str:
    return jwt.encode(claims(**changes), key, algorithm)


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


BAD = {
    "expired": signed(exp=int(time()) - 1),
    "not yet valid": signed(nbf=int(time()) + 600),
    "another signature": signed("another-key-" + "0" * 32),
    "another algorithm": signed(SECRET_KEY * 2, "HS512"),
    "no algorithm": f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}.",
    "a refresh token": signed(type="refresh"),
    "no type": signed(type=None),
    "nobody": signed(sub=None),
    "a subject that is no id": signed(sub="admin"),
    "without an end": signed(exp=None),
    "two parts": "a.b",
    "garbage": "....",
    "a header of brackets": f"{part(b'[' * 100_000)}.{part({})}.x",
    "claims that are a list": f"{part({'alg': 'HS256'})}.{part([1])}.x",
    "not ASCII": "é.é.é",
    "Latin-1": "\xff\xfe",
    "long": "x" * 60_000,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_token_that_does_not_hold_is_401_wherever_somebody_asks_whose_it_is(door, kind):
    for path in ("who", "member", "staff"):
        response = get(door, path, f"Bearer {BAD[kind]}")
        assert (response.status_code, response.json["code"]) == (401, "kernel.unauthorized"), response.text
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic YTpi", "Token x", "x", "é", "Bearer\tx", " "])
def test_a_garbled_header_is_no_500_and_opens_nothing(door, header):
    assert get(door, "member", header).status_code == 401


@pytest.mark.parametrize("header", [*(f"Bearer {token}" for token in BAD.values()), "Basic YTpi", "é", " "])
def test_a_public_route_refuses_nobody_for_a_header_that_it_does_not_need(door, header):
    response = get(door, "open", header)
    assert response.status_code == 200 and response.json == {"acts": "None"}


def test_nobody_enters_public_routes_only(door):
    assert get(door, "who").json == {"id": "None"} and get(door, "open").status_code == 200
    response = get(door, "member")
    assert response.status_code == 401 and response.headers["WWW-Authenticate"] == "Bearer"


def test_everybody_with_a_token_is_a_member(door):
    person = new_id()
    response = door.test_client().get("/api/door/member/", headers=auth_headers(door, person_id=person))
    assert response.json == {"id": str(person), "roles": [MEMBER]}


@pytest.mark.parametrize(
    ("roles", "status"),
    [((), 403), (("staff",), 200), (("guard",), 403), ((ADMIN,), 200), (("Staff",), 403), (("nobody",), 403)],
)
def test_a_route_takes_every_permission_it_names_and_admin_has_all(door, roles, status):
    response = door.test_client().get("/api/door/staff/", headers=auth_headers(door, *roles))
    assert response.status_code == status
    assert status == 200 or response.json["code"] == "kernel.forbidden"


def test_a_permission_that_nobody_declares_is_allowed_to_nobody(door):
    policy = door.extensions["nexus"].policy
    assert not policy.allows([ADMIN, "staff"], "door.paint")
    assert policy.roles() == {"staff", "guard", ADMIN, MEMBER}


def test_the_first_token_does_not_stick_to_the_next_request(door):
    client = door.test_client()
    assert client.get("/api/door/staff/", headers=auth_headers(door, "staff")).status_code == 200
    assert client.get("/api/door/staff/").status_code == 401


def test_a_remembered_token_ends_with_its_expiry(door, monkeypatch):
    with door.app_context():
        token = create_access_token(str(new_id()), expires_delta=timedelta(seconds=60))
        cache = TokenCache()
        assert cache.actor(token) is cache.actor(token), "it was verified twice"
        monkeypatch.setattr(
            "nexus_kernel.tokens.verified_claims", lambda *args: pytest.fail("verified again")
        )
        cache.actor(token)
        later = time() + 61
        monkeypatch.setattr("nexus_kernel.tokens.time", lambda: later)
        with pytest.raises(pytest.fail.Exception, match="verified again"):
            cache.actor(token)


def test_the_memory_of_tokens_is_bounded_and_safe_under_threads(door):
    with door.app_context():
        tokens = [create_access_token(str(new_id())) for _ in range(24)]
    cache = TokenCache(size=8)

    def read() -> int:
        with door.app_context():
            return sum(cache.actor(token).id is not None for _ in range(20) for token in tokens)

    assert in_threads([read] * 8) == [20 * len(tokens)] * 8
    assert len(cache._entries) == 8


def test_a_refresh_token_of_the_library_is_refused_too(door):
    with door.app_context():
        assert get(door, "member", f"Bearer {create_refresh_token(str(new_id()))}").status_code == 401


@pytest.mark.parametrize(
    ("roles", "status"), [((), 403), (("guard",), 200), (("staff",), 200), (("admin",), 200)]
)
def test_a_route_that_requires_any_opens_to_whoever_has_one_of_them(door, roles, status):
    response = door.test_client().get("/api/door/either/", headers=auth_headers(door, *roles))
    assert response.status_code == status
    if status == 403:
        assert response.json["detail"] == "This takes the permission door.open or door.lock."


@pytest.mark.parametrize(("roles", "status"), [((), 403), (("guard",), 403), (("staff",), 200)])
def test_a_route_for_guests_asks_whoever_is_signed_in_for_every_permission(door, roles, status):
    response = door.test_client().get("/api/door/lobby/", headers=auth_headers(door, *roles))
    assert response.status_code == status


def test_a_route_for_guests_is_open_to_nobody_and_closed_to_a_bad_token(door):
    answer = get(door, "lobby")
    assert (answer.status_code, answer.json) == (200, {"id": "None"})
    assert answer.headers["Cache-Control"] == "no-store", "it depends on who asks"
    for token in BAD.values():
        assert get(door, "lobby", f"Bearer {token}").status_code == 401
    (operation,) = (
        methods["get"]
        for path, methods in door.extensions["nexus"].api.document()["paths"].items()
        if path == "/api/door/lobby/"
    )
    assert operation["security"] == [{}, {"bearer": []}]


def test_a_route_that_requires_any_is_closed_to_nobody(door):
    assert get(door, "either").status_code == 401


class Seal:
    """A claim that can be withdrawn, on a base that can be out of reach."""

    code = "lock.seal"

    def __init__(self):
        self.broken, self.asked, self.issued, self.away = set(), 0, 0, False

    def claim(self, person_id):
        self.issued += 1
        return "wax"

    def holding(self, tokens):
        self.asked += 1
        if self.away:
            raise OperationalError(None, None, Exception("away"))
        return [value == "wax" and person not in self.broken for person, value in tokens]


class Lock(Door):
    MANIFEST = Manifest(name="lock", summary="Seals", url_prefixes=("/api/door/",))

    def __init__(self):
        self.seal = Seal()

    @hookimpl
    def nexus_token_claims(self):
        return [self.seal]

    @hookimpl
    def nexus_blueprints(self):
        return []

    @hookimpl
    def nexus_permissions(self):
        return []


@pytest.fixture
def sealed():
    from nexus_kernel import create_app

    lock = Lock()
    app = create_app({"kernel": {"environment": "test", "secret_key": SECRET_KEY}}, plugins=[lock])
    with app.app_context():
        yield app, lock.seal, TokenCache(recheck_seconds=10)


@pytest.fixture
def clock(monkeypatch):
    """A clock for rechecks that a test moves."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr("nexus_kernel.tokens.monotonic", lambda: Clock.now)
    return Clock


def test_a_provider_adds_its_claim_unless_the_caller_knows_it(sealed):
    _, seal, cache = sealed
    assert verified_claims(issue_access_token(new_id(), []), "access")["lock.seal"] == "wax"
    assert seal.issued == 1
    known = issue_access_token(new_id(), [], {"lock.seal": "wax"})
    assert seal.issued == 1 and cache.actor(known).id is not None


def test_a_claim_is_asked_about_at_first_sight_and_again_after_the_recheck_time(sealed, clock):
    _, seal, cache = sealed
    person = new_id()
    token = issue_access_token(person, [])
    for _ in range(50):
        cache.actor(token)
    assert seal.asked == 1
    seal.broken.add(person)
    clock.now += 9
    cache.actor(token)
    clock.now += 1
    with pytest.raises(Unauthorized, match="revoked"):
        cache.actor(token)
    with pytest.raises(Unauthorized):
        cache.actor(token)


def test_a_token_without_the_claim_is_for_the_provider_to_judge(sealed):
    _, _, cache = sealed
    with pytest.raises(Unauthorized):
        cache.actor(create_access_token(str(new_id())))


def test_what_is_forgotten_is_asked_about_at_once_and_only_for_that_person(sealed, clock):
    _, seal, cache = sealed
    person, other = new_id(), new_id()
    held = [issue_access_token(person, [], {"lock.seal": "wax", "n": n}) for n in range(3)]
    others = issue_access_token(other, [])
    for token in (*held, others):
        cache.actor(token)
    seal.broken.add(person)
    cache.forget(person)
    for token in held:
        with pytest.raises(Unauthorized):
            cache.actor(token)
    asked = seal.asked
    assert cache.actor(others).id == other and seal.asked == asked


def test_an_answer_older_than_a_revocation_is_not_remembered(sealed, clock):
    _, seal, cache = sealed
    person = new_id()
    token = issue_access_token(person, [])
    honest = seal.holding

    def slow(tokens):
        answer = honest(tokens)
        seal.broken.add(person)
        cache.forget(person)
        return answer

    seal.holding = slow
    cache.actor(token)
    seal.holding = honest
    with pytest.raises(Unauthorized):
        cache.actor(token)


def test_one_request_rechecks_while_the_others_go_on(sealed, clock):
    app, seal, cache = sealed
    token = issue_access_token(new_id(), [])
    cache.actor(token)
    clock.now += 11

    def read():
        with app.app_context():
            return cache.actor(token)

    in_threads([read] * 16)
    assert seal.asked == 2


def test_with_the_database_away_a_known_token_goes_on_and_a_new_one_does_not(sealed, clock):
    _, seal, cache = sealed
    known, unseen = issue_access_token(new_id(), []), issue_access_token(new_id(), [])
    cache.actor(known)
    seal.away = True
    clock.now += 11
    for _ in range(20):
        assert cache.actor(known).id is not None
    assert seal.asked == 2, "every request waited for a database that is away"
    with pytest.raises(OperationalError):
        cache.actor(unseen)
    clock.now += TokenCache.RETRY_AFTER
    seal.away = False
    seal.broken.add(cache.actor(known).id)
    clock.now += 11
    with pytest.raises(Unauthorized):
        cache.actor(known)


def test_a_token_that_the_process_issued_may_be_remembered_without_asking(sealed, clock):
    _, seal, cache = sealed
    person = new_id()
    token = issue_access_token(person, [])
    cache.remember(token)
    clock.now += 600
    assert cache.actor(token).id == person and seal.asked == 0
    cache.forget(person)
    cache.actor(token)
    assert seal.asked == 1
