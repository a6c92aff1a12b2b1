"""Every route by every role: 401 to nobody, 403 without the permission, never a 500."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from nexus_kernel import create_app
from nexus_kernel.api.blueprint import Access
from nexus_kernel.db import new_id
from nexus_kernel.testing import auth_headers

from ..conftest import SHIPPED

ROLES = ("anonymous", "member", "seller", "staff", "admin")
KERNEL_ROUTES = {"/healthz", "/readyz", "/api/schema/", "/media/<path:key>"}


def routes(app: Flask) -> Iterator[tuple[str, Rule, Access]]:
    for rule in app.url_map.iter_rules():
        blueprint, _, endpoint = rule.endpoint.partition(".")
        if rule.rule not in KERNEL_ROUTES:
            access = app.blueprints[blueprint].access[endpoint]  # type: ignore[attr-defined]
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield method, rule, access


def cases() -> list[tuple[str, str]]:
    app = create_app({"kernel": {"environment": "test"}}, plugins=SHIPPED)
    return sorted((rule.rule, method) for method, rule, _ in routes(app))


def path_of(rule: Rule) -> str:
    with_ids = {name: str(new_id()) for name in rule.arguments}
    _, path = rule.build(with_ids) or ("", rule.rule)
    return path


def somebody(client: FlaskClient) -> UUID:
    """The id of a person who has an account."""
    login = {"email": "buyer@example.com", "password": "correct-horse-9"}
    client.post("/api/auth/users/", json={**login, "re_password": login["password"]})
    access = client.post("/api/auth/jwt/create/", json=login).json["access"]
    me = client.get("/api/auth/users/me/", headers={"Authorization": f"Bearer {access}"})
    return UUID(me.json["id"])


@pytest.fixture(scope="session")
def nexus_plugins():
    return SHIPPED


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case[1]} {case[0]}")
def test_each_role_gets_what_the_route_declares(app: Flask, case: tuple[str, str]):
    method, rule, access = next(r for r in routes(app) if (r[1].rule, r[0]) == case)
    client, policy = app.test_client(), app.extensions["nexus"].policy
    person_id = somebody(client)
    for role in ROLES:
        granted = [] if role == "member" else [role]
        headers = {} if role == "anonymous" else auth_headers(app, *granted, person_id=person_id)
        answer = client.open(path_of(rule), method=method, headers=headers, json={})
        assert answer.status_code < 500, (role, answer.text)
        if access.public:
            continue
        granted_codes = [policy.allows({role, "member"}, code) for code in access.codes]
        allowed = any(granted_codes) if access.any_of else all(granted_codes)
        expected = 401 if role == "anonymous" else None if allowed else 403
        if expected:
            assert answer.status_code == expected, (role, answer.text)
            assert answer.content_type == "application/problem+json"
        else:
            assert answer.status_code not in (401, 403), (role, answer.text)
