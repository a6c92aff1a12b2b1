"""No request to accounts or catalog is answered by a 500, or by anything that the document does not say.

Requests are made from the OpenAPI document, right and wrong ones, for nobody, a member and staff. Most carry
ids and secrets that exist, so that they reach what lies behind a 404. They are the same in every run.
"""

from collections import Counter
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nexus_kernel import create_app, reading
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, drain, rounds

PLUGINS = ("accounts", "catalog")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
PRODUCTS, CATEGORIES, REVIEWS = (f"/api/catalog/{name}/" for name in ("products", "categories", "reviews"))
PERSON = {"email": "abebe@example.com", "password": "correct-horse-9"}


def document() -> Any:
    app = create_app({"kernel": {"environment": "test"}}, plugins=PLUGINS)
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    return schemathesis.openapi.from_dict(app.extensions["nexus"].api.document(), config=config)


OPERATIONS = {operation.ok().label: operation.ok() for operation in document().get_all_operations()}


@pytest.fixture(scope="session")
def nexus_plugins():
    return PLUGINS


class World:
    """A shop with two people in it. `known` holds what a request can say, by the name of the field."""

    def __init__(self, app: Flask) -> None:
        self.app, self.client = app, app.test_client()
        self.headers: dict[str, dict[str, str]] = {"anonymous": {}}
        self.known: dict[str, list[Any]] = {}
        self._people()
        self._goods()
        self._opinions()

    def post(self, url: str, body: dict[str, Any], role: str = "staff", status: int = 201) -> dict[str, Any]:
        answer = self.client.post(url, json=body, headers=self.headers[role])
        assert answer.status_code == status, answer.json
        return answer.json

    def _people(self) -> None:
        tokens, person = self._register(**PERSON)
        self.headers["member"] = auth_headers(self.app, person_id=person["user_id"])
        self.headers["staff"] = auth_headers(self.app, "staff", person_id=person["user_id"])
        _, other = self._register("selam@example.com", PERSON["password"])
        self.headers["other"] = auth_headers(self.app, person_id=other["user_id"])
        self.know(PERSON, re_password=PERSON["password"], uid=person["uid"], refresh=tokens["refresh"])
        self.known["token"] = [person["token"], tokens["access"]]
        self.known |= {name: [person["user_id"]] for name in ("user_id", "seller", "seller_id")}

    def _register(self, email: str, password: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The tokens of a new person, and what was told about them."""
        login = {"email": email, "password": password}
        self.post("/api/auth/users/", {**login, "re_password": password}, "anonymous")
        drain(self.app)
        with self.app.app_context(), reading() as session:
            told = session.query(OutboxEvent).filter_by(name="accounts.user_registered")
            (payload,) = (row.payload for row in told if row.payload["email"] == email)
        return self.post("/api/auth/jwt/create/", login, "anonymous", 200), payload

    def _goods(self) -> None:
        garden = self.post(CATEGORIES, {"name": "Garden"})
        lights = self.post(CATEGORIES, {"name": "Lights", "parent_id": garden["id"]})
        lantern = {"title": "Lantern", "price": "250.00", "stock_quantity": 3, "category_id": lights["id"]}
        ids = [garden["id"], lights["id"]]
        self.known["product"] = [self.post(PRODUCTS, lantern)["id"], "lantern", "lantern", "basket"]
        self.post(PRODUCTS, {"title": "Basket", "price": "99.00", "sku": "B-1"})
        self.known |= {"category_id": ids, "parent_id": ids, "category": [*ids, "garden"]}
        self.know(sku="B-1", q="lantern", currency="ETB", price="100", min_price="50", max_price="300")
        self.know(title="Bright lantern", name="Lamps", description="Glows.", body="Glows.", reason="Spam.")
        self.know(username="abebe.b", first_name="Abebe", last_name="Bikila")

    def _opinions(self) -> None:
        own, other = (
            self.post(f"{PRODUCTS}lantern/reviews/", {"rating": 4}, role)["id"]
            for role in ("member", "other")
        )
        self.known["review_id"] = [own, own, other]
        self.post(f"{REVIEWS}{other}/hide/", {"reason": "Spam."}, status=200)

    def know(self, *values: dict[str, Any], **more: Any) -> None:
        for name, value in {**dict(*values), **more}.items():
            self.known[name] = [value]

    def put_known(self, case: Any, draw: Any) -> None:
        """Replace most of what can be looked up by what can be found, where it is not wrong on purpose."""
        for location, part in (
            (ParameterLocation.PATH, case.path_parameters),
            (ParameterLocation.QUERY, case.query),
            (ParameterLocation.BODY, case.body),
        ):
            if isinstance(part, dict) and not case.meta.is_negative_at(location):
                for name in sorted(part.keys() & self.known.keys()):
                    if draw(st.integers(0, 7)):
                        part[name] = draw(st.sampled_from(self.known[name]))


@pytest.mark.proof
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_documented(app: Flask, label: str):
    operation, world, seen = OPERATIONS[label], World(app), Counter()
    right, wrong = map(operation.as_strategy, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    @settings(
        max_examples=rounds(20, 300), deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(st.one_of(right, right, right, wrong))
        world.put_known(case, data.draw)
        for role in ("anonymous", "member", "staff"):
            answer = case.call(app=app, headers=world.headers[role])
            seen[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

    ask()
    refused = {400, 401, 403, 404, 405, 415, 422}
    assert seen.keys() - refused, (
        f"{label} never got past {dict(seen)}: put what it asks for into World.known"
    )
