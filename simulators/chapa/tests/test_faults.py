"""Faults of the API and of webhooks."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nexus_chapa_sim.faults import FaultError
from nexus_chapa_sim.recording import Merchant
from nexus_chapa_sim.testing import RunningSimulator

Initialize = Callable[..., httpx.Response]


def signature_holds(merchant: Merchant) -> bool:
    received = merchant.webhooks[0]
    digest = hmac.new(b"hook-secret", received.body, hashlib.sha256).hexdigest()
    return received.headers.get("x-chapa-signature") == digest


def test_html_500_strikes_as_often_as_told_and_has_no_effect(
    initialize: Initialize, sim: RunningSimulator
) -> None:
    sim.faults.add("initialize", "html_500", count=2)
    for _ in range(2):
        response = initialize()
        assert (response.status_code, response.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert sim.transactions == []
    assert initialize().status_code == 200
    assert sim.faults.active() == []


@pytest.mark.parametrize(("kind", "opened"), [("drop_after_effect", 1), ("drop_before_effect", 0)])
def test_dropped_connections(initialize: Initialize, sim: RunningSimulator, kind: str, opened: int) -> None:
    sim.faults.add("initialize", kind)
    with pytest.raises(httpx.TransportError):
        initialize()
    assert len(sim.transactions) == opened


def test_empty_body_after_the_effect(initialize: Initialize, sim: RunningSimulator) -> None:
    sim.faults.add("initialize", "empty_body")
    response = initialize()
    assert (response.status_code, response.content) == (200, b"")
    assert len(sim.transactions) == 1


def test_invalid_json_after_the_effect(initialize: Initialize, sim: RunningSimulator) -> None:
    sim.faults.add("initialize", "invalid_json")
    with pytest.raises(json.JSONDecodeError):
        initialize().json()
    assert len(sim.transactions) == 1


def test_delay(api: httpx.Client, sim: RunningSimulator) -> None:
    sim.faults.add("verify", "delay", seconds=0.2)
    started = time.monotonic()
    api.get("/v1/transaction/verify/X")
    assert time.monotonic() - started >= 0.2


def test_a_fault_keeps_to_its_endpoint_and_transaction(
    api: httpx.Client, initialize: Initialize, sim: RunningSimulator
) -> None:
    sim.faults.add("verify", "html_500", count=None, tx_ref="ORDER1")
    initialize()
    initialize(tx_ref="ORDER2")
    assert api.get("/v1/transaction/verify/ORDER1").status_code == 500
    assert api.get("/v1/transaction/verify/ORDER2").status_code == 404
    assert len(sim.faults.active()) == 1


def test_initialize_faults_can_name_a_transaction(initialize: Initialize, sim: RunningSimulator) -> None:
    sim.faults.add("initialize", "html_500", tx_ref="ORDER2")
    assert initialize().status_code == 200
    assert initialize(tx_ref="ORDER2").status_code == 500


@pytest.fixture
def paid(initialize: Initialize, sim: RunningSimulator) -> Callable[..., None]:
    def run(kind: str, **options: Any) -> None:
        initialize()
        sim.faults.add("webhook", kind, **options)
        sim.pay("ORDER1")
        sim.drain()

    return run


def test_webhook_never_comes(paid: Callable[..., None], merchant: Merchant) -> None:
    paid("never")
    assert merchant.webhooks == []


def test_webhook_comes_several_times(paid: Callable[..., None], merchant: Merchant) -> None:
    paid("duplicate", copies=5)
    assert len(merchant.webhooks) == 5
    assert len({item.body for item in merchant.webhooks}) == 1


def test_wrong_signature_leaves_no_valid_header(paid: Callable[..., None], merchant: Merchant) -> None:
    paid("wrong_signature")
    assert not signature_holds(merchant)
    assert "x-chapa-signature" in merchant.webhooks[0].headers
    assert "chapa-signature" not in merchant.webhooks[0].headers


@pytest.mark.parametrize(("value", "amount"), [(None, "99.99"), ("0.01", "0.01")])
def test_wrong_amount_is_signed(
    paid: Callable[..., None], merchant: Merchant, value: str | None, amount: str
) -> None:
    paid("wrong_amount", value=value)
    assert json.loads(merchant.webhooks[0].body)["amount"] == amount
    assert signature_holds(merchant)


def test_wrong_currency_is_signed(paid: Callable[..., None], merchant: Merchant) -> None:
    paid("wrong_currency")
    assert json.loads(merchant.webhooks[0].body)["currency"] == "USD"
    assert signature_holds(merchant)


def test_tampered_after_signing(paid: Callable[..., None], merchant: Merchant) -> None:
    paid("tampered")
    assert json.loads(merchant.webhooks[0].body)["amount"] == "101.00"
    assert not signature_holds(merchant)


def test_verify_tells_the_truth_whatever_the_webhook_said(
    paid: Callable[..., None], api: httpx.Client
) -> None:
    paid("wrong_amount", value="1.00")
    assert api.get("/v1/transaction/verify/ORDER1").json()["data"]["amount"] == 100


@pytest.mark.parametrize(
    ("target", "kind", "options"),
    [
        ("nowhere", "delay", {}),
        ("verify", "never", {}),
        ("webhook", "html_500", {}),
        ("verify", "explode", {}),
        ("verify", "delay", {"seconds": -1}),
        ("verify", "delay", {"count": 0}),
        ("webhook", "duplicate", {"copies": 0}),
        ("webhook", "wrong_amount", {"value": "much"}),
    ],
)
def test_senseless_faults_are_refused(
    sim: RunningSimulator, target: str, kind: str, options: dict[str, Any]
) -> None:
    with pytest.raises(FaultError):
        sim.faults.add(target, kind, **options)
