"""Who is in the world, and what they can show."""

from typing import TYPE_CHECKING

from click.testing import CliRunner
from nexus_accounts.commands import accounts

from nexus_kernel import reading
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import drain

if TYPE_CHECKING:
    from .world import World

PASSWORD, NEW_PASSWORD = "correct-horse-9", "another-horse-8"
ROLES = {"other": [], "rival": ["seller"], "seller": ["seller"], "staff": ["staff"], "admin": ["admin"]}
ADDRESSES = "/api/accounts/addresses/"
APPLICATIONS = "/api/accounts/seller_applications/"


def add_people(world: "World") -> None:
    """A member whose address waits for its link, another one, two sellers, staff, an admin, and keys."""
    for name, roles in ROLES.items():
        options = [part for role in roles for part in ("--role", role)]
        with world.app.app_context():
            arguments = ("create", "--email", f"{name}@example.com", *options, "--password-stdin")
            made = CliRunner().invoke(accounts, arguments, input=f"{PASSWORD}\n")
        assert made.exit_code == 0, made.output
    member = {"email": "member@example.com", "password": PASSWORD, "re_password": PASSWORD}
    world.post("/api/auth/users/", member, "anonymous")
    for name in ("member", *ROLES):
        _sign_in(world, name)
    _keys(world)
    _links(world)
    _applications(world)
    _addresses(world)
    _say_what_is_known(world)


def _sign_in(world: "World", name: str) -> None:
    login = {"email": f"{name}@example.com", "password": PASSWORD}
    tokens = world.post("/api/auth/jwt/create/", login, "anonymous", 200)
    world.headers[name] = {"Authorization": f"Bearer {tokens['access']}"}
    world.tokens[name] = tokens
    world.ids[name] = world.get("/api/auth/users/me/", name)["id"]
    (device,) = world.get("/api/auth/users/me/sessions/", name)["results"]
    world.ids[f"session of {name}"] = device["id"]


def _keys(world: "World") -> None:
    """A key of everybody's for all that a machine may have, and two of the admin's for a half each."""
    policy = world.app.extensions["nexus"].policy
    codes = sorted(code for code in policy.permissions if policy.delegable(code))
    for name, roles in {"member": [], **ROLES}.items():
        held = [code for code in codes if policy.allows({"member", *roles}, code)]
        _add_key(world, name, f"key of {name}", held)
    _add_key(world, "admin", "first half", codes[::2])
    _add_key(world, "admin", "second half", codes[1::2])


def _add_key(world: "World", owner: str, name: str, scopes: list[str]) -> None:
    key = world.post("/api/accounts/api_keys/", {"name": name, "scopes": scopes}, owner)
    world.headers[name] = {"Authorization": f"ApiKey {key['key']}"}
    world.ids[name], world.keys[name] = key["id"], set(scopes)


def _links(world: "World") -> None:
    """The links that the member was mailed: to confirm the address, to reset the password, to move."""
    world.post("/api/auth/users/reset_password/", {"email": "member@example.com"}, "anonymous", 204)
    move = {"new_email": "moved@example.com", "current_password": PASSWORD}
    world.post("/api/auth/users/set_email/", move, "member", 204)
    drain(world.app)
    with world.app.app_context(), reading() as session:
        told = {row.name: row.payload for row in session.query(OutboxEvent)}
    for use, name in {
        "activation/": "accounts.user_registered",
        "reset_password_confirm/": "accounts.password_reset_requested",
        "set_email_confirm/": "accounts.email_change_requested",
    }.items():
        link = {"uid": [told[name]["uid"]], "token": [told[name]["token"]]}
        world.special[f"POST /api/auth/users/{use}"] = link


def _applications(world: "World") -> None:
    """One that waits, one that was declined."""
    apply = {"shop_name": "Lamps", "message": "We make lamps."}
    waits, declined = (world.post(APPLICATIONS, apply, who)["id"] for who in ("member", "other"))
    world.post(f"{APPLICATIONS}{declined}/decline/", {"reason": "Not now."}, "staff", 200)
    world.ids |= {"application": waits, "declined application": declined}
    world.know(application_id=[waits, waits, declined], **{name: [text] for name, text in apply.items()})


def _addresses(world: "World") -> None:
    """The member's two, and one of somebody else's."""
    home = {"address_line": "Bole Road 7", "city": "Addis Ababa", "country": "ET"}
    for who, name in (("member", "address"), ("member", "second address"), ("other", "other's address")):
        world.ids[name] = world.post(ADDRESSES, home, who)["id"]
    ids = [world.ids["address"], world.ids["second address"], world.ids["other's address"]]
    world.know(address_id=ids, **{name: [text] for name, text in home.items()})


def _say_what_is_known(world: "World") -> None:
    ids, everybody = world.ids, ("member", *ROLES)
    world.know(
        **{name: [PASSWORD] for name in ("password", "re_password", "current_password")},
        **{name: [NEW_PASSWORD] for name in ("new_password", "re_new_password")},
        email=["member@example.com", "new@example.com"],
        new_email=["moved@example.com", "other@example.com"],
        username=["abebe.b"],
        first_name=["Abebe"],
        last_name=["Bikila"],
        name=["Lamps"],
        phone=["+251 911 234567"],
        avatar=[world.picture("blue")],
        role=["seller", "staff"],
        scopes=[["accounts.me.read"], ["accounts.me.read", "catalog.review.write"]],
        expires_at=["2035-01-01T00:00:00Z"],
        refresh=[world.tokens["other"]["refresh"]],
        token=[world.tokens["member"]["access"]],
        user_id=[ids["other"], ids["seller"], ids["member"]],
        session_id=[ids[f"session of {name}"] for name in everybody],
        key_id=[ids[f"key of {name}"] for name in everybody],
        subject=[ids["member"]],
        actor=[ids["staff"]],
        since=["2025-01-01T00:00:00Z"],
    )
    world.special["DELETE /api/auth/users/{user_id}/roles/{role}/"] = {"user_id": [ids["seller"]]}
