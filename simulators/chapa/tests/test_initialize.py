"""POST /v1/transaction/initialize."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import pytest

from nexus_chapa_sim.settings import Subaccount
from nexus_chapa_sim.testing import RunningSimulator

Initialize = Callable[..., httpx.Response]


def refusal(response: httpx.Response) -> tuple[int, Any]:
    body = response.json()
    assert (list(body), body["status"], body["data"]) == (["message", "status", "data"], "failed", None)
    return response.status_code, body["message"]


def test_success_has_the_documented_envelope_and_no_gateway_reference(
    initialize: Initialize, sim: RunningSimulator
) -> None:
    response = initialize()
    body = response.json()
    assert (response.status_code, body["message"], body["status"]) == (200, "Hosted Link", "success")
    assert list(body["data"]) == ["checkout_url"]
    assert re.fullmatch(
        re.escape(sim.url) + "/checkout/payment/[A-Za-z0-9]{43}", body["data"]["checkout_url"]
    )


def test_answers_escape_slashes_as_the_gateway_backend_does(initialize: Initialize) -> None:
    assert b'"http:\\/\\/127.0.0.1' in initialize().content


def test_the_documented_sample_is_accepted(api: httpx.Client, sim: RunningSimulator) -> None:
    sample = {
        "amount": "10",
        "currency": "ETB",
        "email": "abebech_bekele@gmail.com",
        "first_name": "Bilen",
        "last_name": "Gizachew",
        "phone_number": "0912345678",
        "tx_ref": "chewatatest-6669",
        "callback_url": "https://webhook.site/077164d6-29cb-40df-ba29-8a00e59a7e60",
        "return_url": "https://www.google.com/",
        "customization[title]": "Payment",
        "customization[description]": "I love online payments",
        "meta[hide_receipt]": "true",
    }
    assert api.post("/v1/transaction/initialize", json=sample).status_code == 200
    request = sim.transaction("chewatatest-6669").request
    assert request.customization.title == "Payment"
    assert request.meta == {"hide_receipt": "true"}
    assert request.amount == Decimal("10.00")


def test_forms_with_bracket_keys_are_accepted(api: httpx.Client, sim: RunningSimulator) -> None:
    form = {"amount": "10.50", "currency": "ETB", "tx_ref": "F1", "customization[title]": "Coffee"}
    assert api.post("/v1/transaction/initialize", data=form).status_code == 200
    assert sim.transaction("F1").request.customization.title == "Coffee"


@pytest.mark.parametrize("header", [None, "Bearer", "Basic abc", "CHASECK_TEST-simulator"])
def test_without_bearer_key_authorization_is_required(sim: RunningSimulator, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    response = httpx.post(f"{sim.url}/v1/transaction/initialize", json={}, headers=headers)
    assert refusal(response) == (401, "Authorization required")


def test_wrong_key(sim: RunningSimulator) -> None:
    headers = {"Authorization": "Bearer CHASECK_TEST-other"}
    response = httpx.post(f"{sim.url}/v1/transaction/initialize", json={}, headers=headers)
    assert refusal(response) == (401, "Invalid API Key or User doesn't exist")


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xml"])
def test_wrong_content_type(api: httpx.Client, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = api.post("/v1/transaction/initialize", content=b"{}", headers=headers)
    message = "Incorrect header settings Please check if content-type is present and set to application/json"
    assert refusal(response) == (400, message)


def test_forms_can_be_switched_off(api: httpx.Client, sim: RunningSimulator) -> None:
    sim.configure(accept_form=False)
    assert api.post("/v1/transaction/initialize", data={"amount": "1"}).status_code == 400


REQUIRED = {name: ["validation.required"] for name in ("amount", "currency", "tx_ref")}


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b"null", b"{bad", b'{"amount":NaN}', b"\xff", b'{"a":"\\ud800"}']
)
def test_an_empty_or_unreadable_body_lacks_every_required_member(api: httpx.Client, raw: bytes) -> None:
    response = api.post(
        "/v1/transaction/initialize", content=raw, headers={"Content-Type": "application/json"}
    )
    assert refusal(response) == (400, REQUIRED)


@pytest.mark.parametrize("name", sorted(REQUIRED))
@pytest.mark.parametrize("value", [..., None, "", "  "])
def test_each_required_member_is_named(initialize: Initialize, name: str, value: object) -> None:
    assert refusal(initialize(**{name: value})) == (400, {name: ["validation.required"]})


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("amount", "ten", "validation.numeric"),
        ("amount", True, "validation.numeric"),
        ("amount", "Infinity", "validation.numeric"),
        ("amount", "1e999999999", "validation.max.numeric"),
        ("amount", 0, "validation.min.numeric"),
        ("amount", "-1", "validation.min.numeric"),
        ("amount", "1e-999999", "validation.regex"),
        ("amount", "1.001", "validation.regex"),
        ("currency", 5, "validation.string"),
        ("tx_ref", 5, "validation.string"),
        ("tx_ref", "a/b", "validation.regex"),
        ("tx_ref", "x" * 101, "validation.regex"),
        ("email", "nobody", "validation.email"),
        ("email", "a@shop.test", "validation.email"),
        ("email", ["a@b.et"], "validation.email"),
        ("first_name", {"a": 1}, "validation.string"),
        ("phone_number", "0812345678", "validation.regex"),
        ("phone_number", "+251912345678", "validation.regex"),
        ("phone_number", 912345678, "validation.regex"),
        ("return_url", "javascript:alert(1)", "validation.url"),
        ("callback_url", "http://[", "validation.url"),
        ("meta", "text", "validation.array"),
        ("customization", "text", "validation.array"),
    ],
)
def test_bad_members_are_refused_by_name(
    initialize: Initialize, sim: RunningSimulator, name: str, value: object, complaint: str
) -> None:
    assert refusal(initialize(**{name: value})) == (400, {name: [complaint]})
    assert sim.transactions == []


@pytest.mark.parametrize(
    ("member", "value", "complaint"),
    [
        ("title", "x" * 17, "The customization.title may not be greater than 16 characters."),
        ("description", "x" * 51, "The customization.description may not be greater than 50 characters."),
        (
            "description",
            "Order #5!",
            "The customization.description may only contain letters, numbers, hyphens, underscores, spaces, "
            "and dots.",
        ),
        ("title", 5, "validation.string"),
        ("logo", "logo.png", "validation.url"),
    ],
)
def test_customization_limits(initialize: Initialize, member: str, value: object, complaint: str) -> None:
    response = initialize(customization={member: value})
    assert refusal(response) == (400, {f"customization.{member}": [complaint]})


def test_customization_at_its_limits_is_accepted(initialize: Initialize) -> None:
    shown = {"title": "ቡና" * 8, "description": "ቡና-1_2. " + "x" * 42}
    assert initialize(customization=shown).status_code == 200


def test_unsupported_currency(initialize: Initialize) -> None:
    assert refusal(initialize(currency="EUR")) == (400, "Invalid currency, EUR is not supported")


def test_a_reference_is_used_once_even_after_cancellation(
    initialize: Initialize, sim: RunningSimulator
) -> None:
    initialize()
    assert refusal(initialize()) == (400, "Transaction reference has been used before")
    sim.cancel("ORDER1")
    assert refusal(initialize()) == (400, "Transaction reference has been used before")


def test_a_refused_call_does_not_use_up_the_reference(initialize: Initialize) -> None:
    initialize(amount="0")
    assert initialize().status_code == 200


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("cannot_receive", (400, "User can't receive payments")),
        ("api_disabled", (404, "Payments through API is disabled, please contact us")),
    ],
)
def test_account_states(
    initialize: Initialize, sim: RunningSimulator, status: str, expected: tuple[int, str]
) -> None:
    sim.configure(account_status=status)
    assert refusal(initialize()) == expected


@pytest.mark.parametrize(
    ("subaccounts", "message"),
    [
        ({"id": "unknown"}, "subaccount id not associated"),
        ({"id": "flat"}, "Merchant fee is greater than split flat amount."),
        ([{"id": "part"}], "Merchant's share of payment is not enough to cover transaction fee."),
        ("text", {"subaccounts": ["validation.array"]}),
        ({"id": "part", "split_type": "half"}, {"subaccounts.split_type": ["validation.in"]}),
        ({"id": "part", "split_value": "x"}, {"subaccounts.split_value": ["validation.numeric"]}),
    ],
)
def test_subaccount_refusals(
    initialize: Initialize, sim: RunningSimulator, subaccounts: object, message: object
) -> None:
    sim.configure(
        subaccounts=(
            Subaccount("flat", "flat", Decimal(3)),
            Subaccount("part", "percentage", Decimal("0.03")),
        )
    )
    assert refusal(initialize(subaccounts=subaccounts)) == (400, message)


def test_subaccounts_that_cover_the_fee_are_accepted(initialize: Initialize, sim: RunningSimulator) -> None:
    sim.configure(subaccounts=(Subaccount("flat", "flat", Decimal("3.5")),))
    assert initialize(subaccounts=[{"id": "flat"}]).status_code == 200


def test_simultaneous_calls_with_one_reference_open_one_payment(
    initialize: Initialize, sim: RunningSimulator
) -> None:
    with ThreadPoolExecutor(16) as pool:
        codes = sorted(pool.map(lambda _: initialize().status_code, range(16)))
    assert codes == [200] + [400] * 15
    assert len(sim.transactions) == 1
