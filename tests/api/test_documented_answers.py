"""No request to a shop is answered by a 500, or by anything that the document does not say.

Requests are made from the OpenAPI document, right and wrong ones, and each is sent by everybody. Most carry
ids and secrets that exist, so that they reach what lies behind a 404. They are the same in every run.
"""

import re
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nexus_kernel import create_app
from nexus_kernel.testing import rounds

from .world import TILL, Snapshot, World

PLUGINS = ("accounts", "catalog", "cart", "orders", "payments", TILL)
ROLES = ("anonymous", "member", "seller", "staff", "admin", "key of admin")
FREE = {"multipart/form-data", "text/csv", "application/x-ndjson", "application/jsonl"}
"""A form has texts for parts, whatever they look like, and a file is any bytes: neither breaks a schema."""
SOON = re.compile(" /api/(cart|orders|payments)/")
"""Asked less often and by fewer in the short run, which has little time."""
FEW = ("anonymous", "member", "staff")
SIGNED = "/api/payments/webhook/"
"""Nobody here can sign what a gateway says."""
REFUSALS = {400, 401, 403, 404, 405, 413, 415, 422}


def says_what_is_documented(context: Any, answer: Any, case: Any) -> None:
    """A success is named by the operation itself, and everything else is a problem of that status."""
    status = answer.status_code
    if status < 400:
        assert str(status) in case.operation.definition.raw["responses"], f"{status} is not documented"
    else:
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert answer.json()["status"] == status


CHECKS = [
    says_what_is_documented,
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def document() -> Any:
    app = create_app({"kernel": {"environment": "test"}}, plugins=PLUGINS)
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    return schemathesis.openapi.from_dict(app.extensions["nexus"].api.document(), config=config)


OPERATIONS = {operation.ok().label: operation.ok() for operation in document().get_all_operations()}


@pytest.fixture(scope="session")
def nexus_plugins():
    return PLUGINS


@pytest.mark.proof
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_documented(kept_world: tuple[World, Snapshot], label: str):
    operation, (world, snapshot), seen = OPERATIONS[label], kept_world, Counter()
    is_soon = SOON.search(label)
    roles = rounds(FEW, ROLES) if is_soon else ROLES
    roles += ("guest",) if "/api/cart/" in label else ()
    right, wrong = map(operation.as_strategy, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    @settings(
        max_examples=rounds(8 if is_soon else 12, 120), deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(st.one_of(right, right, right, wrong))
        anything_goes = case.media_type in FREE
        world.put_known(case, data.draw)
        for role in roles:
            headers = {**world.headers[role], "Accept-Encoding": "identity"}
            answer = case.call(app=world.app, headers=headers)
            if case.method != "GET" and answer.status_code not in REFUSALS - {401}:
                snapshot.restore()
            seen[answer.status_code] += 1
            excluded = [negative_data_rejection] if anything_goes else []
            case.validate_response(answer, checks=CHECKS, excluded_checks=excluded)

    ask()
    assert seen.keys() - REFUSALS or SIGNED in label, (
        f"{label} never got past {dict(seen)}: put what it asks for into the world"
    )
