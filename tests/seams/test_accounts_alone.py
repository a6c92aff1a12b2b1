"""Accounts with nothing but the kernel: people register and sign in without a shop."""

import json
import re

import pytest
from openapi_spec_validator import validate

from nexus_kernel import reading
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import drain

PERSON = {"email": "abebe@example.com", "password": "correct-horse-9"}


@pytest.fixture(scope="session")
def nexus_plugins():
    return ["accounts"]


def test_somebody_registers_confirms_and_signs_in(app, client):
    registered = client.post("/api/auth/users/", json={**PERSON, "re_password": PERSON["password"]})
    assert registered.status_code == 201
    drain(app)
    with app.app_context(), reading() as session:
        told = session.query(OutboxEvent).filter_by(name="accounts.user_registered").one().payload
    link = {"uid": told["uid"], "token": told["token"]}
    assert client.post("/api/auth/users/activation/", json=link).status_code == 204
    tokens = client.post("/api/auth/jwt/create/", json=PERSON).json
    me = client.get("/api/auth/users/me/", headers={"Authorization": f"Bearer {tokens['access']}"})
    assert (me.status_code, me.json["email"]) == (200, PERSON["email"])


def test_its_document_is_valid_and_speaks_of_people_alone(client):
    document = json.loads(client.get("/api/schema/").data)
    validate(document)
    assert all(re.match("/api/(auth|accounts)/", path) for path in document["paths"])


def test_there_is_nothing_to_buy(client):
    assert client.get("/api/catalog/products/").status_code == 404
