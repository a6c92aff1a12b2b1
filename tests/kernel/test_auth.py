"""Access tokens and permissions: closed by default, and no header is a 500."""

import base64
import json
from datetime import timedelta
from time import time

import jwt
import pytest
from flask_jwt_extended import create_access_token, create_refresh_token

from nexus_kernel import ADMIN, MEMBER, Blueprint, Manifest, Permission, current_actor, hookimpl, new_id
from nexus_kernel.auth import TokenCache
from nexus_kernel.context import current_actor_id
from nexus_kernel.testing import auth_headers, in_threads
from nexus_kernel.testing.fixtures import SECRET_KEY

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
        monkeypatch.setattr("nexus_kernel.auth.verified_claims", lambda *args: pytest.fail("verified again"))
        cache.actor(token)
        later = time() + 61
        monkeypatch.setattr("nexus_kernel.auth.time", lambda: later)
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


def test_a_route_that_requires_any_is_closed_to_nobody(door):
    assert get(door, "either").status_code == 401
