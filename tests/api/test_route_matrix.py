"""Every route by every role and by API keys: 401 to nobody, 403 without the permission, never a 500."""

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from nexus_kernel import create_app
from nexus_kernel.api.blueprint import Access
from nexus_kernel.db import new_id

from ..conftest import SHIPPED
from .routes import MAY
from .world import TILL, World

SAID = ("accounts.", "cart.", "catalog.", "orders.", "payments.", "promotions.", "shipping.", "tax.")
KERNEL_ROUTES = {"/healthz", "/readyz", "/api/schema/", "/media/<path:key>"}
ROLES = ("anonymous", "member", "seller", "staff", "admin")


def routes(app: Flask) -> Iterator[tuple[str, Rule, Access]]:
    for rule in app.url_map.iter_rules():
        blueprint, _, endpoint = rule.endpoint.partition(".")
        if rule.rule not in KERNEL_ROUTES:
            access = app.blueprints[blueprint].access[endpoint]  # type: ignore[attr-defined]
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule, access


APP = create_app({"kernel": {"environment": "test"}}, plugins=SHIPPED)
ROUTES = {f"{method} {rule.rule}": (method, rule, access) for method, rule, access in routes(APP)}


def path_of(rule: Rule) -> str:
    with_ids = {name: str(new_id()) for name in rule.arguments}
    _, path = rule.build(with_ids) or ("", rule.rule)
    return path


@pytest.fixture(scope="session")
def nexus_plugins():
    return (*SHIPPED, TILL)


def test_who_may_call_a_route_is_said_for_each_of_the_plugins_that_say_it():
    declared = {name for name in ROUTES if ROUTES[name][1].endpoint.startswith(SAID)}
    assert declared == set(MAY)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_each_role_gets_what_the_route_declares(world: World, name: str):
    method, rule, access = ROUTES[name]
    policy = world.app.extensions["nexus"].policy
    for role in ROLES:
        headers = world.headers[role]
        answer = world.client.open(path_of(rule), method=method, headers=headers, json={})
        assert answer.status_code < 500, (role, answer.text)
        granted = [policy.allows({role, "member"}, code) for code in access.codes]
        allowed = access.public or (role != "anonymous" and (any if access.any_of else all)(granted))
        if name in MAY:
            assert allowed == (role in MAY[name][0]), f"{role} and {name}"
        if access.public:
            continue
        expected = 401 if role == "anonymous" else None if allowed else 403
        if expected:
            assert answer.status_code == expected, (role, answer.text)
            assert answer.content_type == "application/problem+json"
        else:
            assert answer.status_code not in (401, 403), (role, answer.text)


@pytest.mark.parametrize(
    "name",
    sorted(name for name in ROUTES if ROUTES[name][2].codes or not ROUTES[name][2].public),
)
def test_a_key_can_what_its_scopes_name(world: World, name: str):
    method, rule, access = ROUTES[name]
    for key, scopes in world.keys.items():
        granted = [code in scopes for code in access.codes]
        allowed = bool(granted) and (any if access.any_of else all)(granted)
        answer = world.client.open(path_of(rule), method=method, headers=world.headers[key], json={})
        assert answer.status_code < 500, (key, answer.text)
        assert (answer.status_code in (401, 403)) == (not allowed), (key, answer.text)
        owner = key.removeprefix("key of ")
        if name in MAY and owner in ROLES:
            roles, machines = MAY[name]
            assert allowed == (machines and owner in roles), f"a {key} and {name}"
