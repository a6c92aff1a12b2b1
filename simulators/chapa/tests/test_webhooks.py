"""Webhooks and callbacks: bytes, signatures, repetition."""

import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from nexus_chapa_sim import Settings, SettingsError
from nexus_chapa_sim.core.clock import VIRTUAL_START
from nexus_chapa_sim.recording import Merchant
from nexus_chapa_sim.testing import RunningSimulator

Initialize = Callable[..., httpx.Response]
SECRET = b"hook-secret"


def hexdigest(message: bytes, key: bytes = SECRET) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()


@pytest.fixture
def amharic(initialize: Initialize) -> None:
    response = initialize(
        amount="400",
        first_name="አበበ",
        phone_number="0911121314",
        email="a@example.com",
        meta={"page": "https://shop.example.com/a"},
    )
    assert response.status_code == 200


def test_the_body_is_flat_and_has_the_documented_members(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    paid = sim.pay("ORDER1", "telebirr")
    sim.drain()
    assert json.loads(merchant.webhooks[0].body) == {
        "event": "charge.success",
        "first_name": "አበበ",
        "last_name": None,
        "email": "a@example.com",
        "mobile": "251911121314",
        "currency": "ETB",
        "amount": "400.00",
        "charge": "14.00",
        "status": "success",
        "mode": "test",
        "reference": paid.reference,
        "created_at": "2026-01-01T08:00:00.000000Z",
        "updated_at": "2026-01-01T08:00:00.000000Z",
        "type": "API",
        "tx_ref": "ORDER1",
        "payment_method": "telebirr",
        "customization": {"title": None, "description": None, "logo": None},
        "meta": {"page": "https://shop.example.com/a"},
    }


@pytest.mark.parametrize("step", ["fail", "cancel"])
def test_failures_and_cancellations_share_one_event(
    initialize: Initialize, sim: RunningSimulator, merchant: Merchant, step: str
) -> None:
    initialize()
    getattr(sim, step)("ORDER1")
    sim.drain()
    body = json.loads(merchant.webhooks[0].body)
    assert (body["event"], body["status"]) == ("charge.failed/cancelled", "failed/cancelled")


def test_the_body_is_written_as_php_writes_it(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    sim.pay("ORDER1")
    sim.drain()
    body = merchant.webhooks[0].body
    assert b'"first_name":"\\u12a0\\u1260\\u1260"' in body
    assert b'"page":"https:\\/\\/shop.example.com\\/a"' in body
    assert merchant.webhooks[0].headers["content-type"] == "application/json"


def test_the_body_can_be_written_as_javascript_writes_it(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    sim.configure(webhook_body="js")
    sim.pay("ORDER1")
    sim.drain()
    received = merchant.webhooks[0]
    assert '"first_name":"አበበ"'.encode() in received.body
    assert received.headers["x-chapa-signature"] == hexdigest(received.body)


@pytest.mark.parametrize(
    ("style", "payload_signed", "constant_sent"),
    [
        ("both", True, True),
        ("x-only", True, False),
        ("constant-only", False, True),
        ("none", False, False),
    ],
)
def test_signature_headers(
    amharic: None,
    sim: RunningSimulator,
    merchant: Merchant,
    style: str,
    payload_signed: bool,
    constant_sent: bool,
) -> None:
    sim.configure(signature_headers=style)
    sim.pay("ORDER1")
    sim.drain()
    received = merchant.webhooks[0]
    expected = hexdigest(received.body) if payload_signed else None
    assert received.headers.get("x-chapa-signature") == expected
    assert received.headers.get("chapa-signature") == (hexdigest(SECRET) if constant_sent else None)


def test_without_webhook_secret_the_api_key_signs(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    sim.configure(webhook_secret="")
    sim.pay("ORDER1")
    sim.drain()
    received = merchant.webhooks[0]
    assert received.headers["x-chapa-signature"] == hexdigest(received.body, sim.secret_key.encode())


def test_nothing_is_sent_before_the_queue_is_drained(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    sim.pay("ORDER1")
    assert merchant.received == []
    assert [item.state for item in sim.deliveries] == ["queued"]


def test_without_address_no_webhook_is_queued(initialize: Initialize, sim: RunningSimulator) -> None:
    sim.configure(webhook_url="")
    initialize()
    sim.pay("ORDER1")
    assert sim.deliveries == []


@pytest.mark.parametrize("status", [201, 202, 204, 302, 400, 401, 500])
def test_only_200_acknowledges(amharic: None, sim: RunningSimulator, merchant: Merchant, status: int) -> None:
    merchant.status = status
    sim.pay("ORDER1")
    sim.drain()
    assert sim.deliveries[0].state == "queued"
    assert sim.deliveries[0].attempts[0].status == status
    merchant.status = 200
    sim.advance(10)
    assert sim.deliveries[0].state == "delivered"


def test_repeats_come_every_ten_minutes_ten_times_with_the_same_bytes(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    merchant.status = 500
    sim.pay("ORDER1")
    sim.advance(24 * 60)
    attempts = sim.deliveries[0].attempts
    assert [item.at - VIRTUAL_START for item in attempts] == [timedelta(minutes=10 * n) for n in range(11)]
    assert sim.deliveries[0].state == "abandoned"
    assert len({item.body for item in merchant.webhooks}) == 1
    assert len({item.headers["x-chapa-signature"] for item in merchant.webhooks}) == 1


def test_no_repeat_before_its_time_and_none_after_200(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    merchant.status = 503
    sim.pay("ORDER1")
    sim.advance(9.9)
    assert len(merchant.webhooks) == 1
    merchant.status = 200
    sim.advance(500)
    assert len(merchant.webhooks) == 2


def test_a_refused_connection_is_logged_and_repeated(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        sim.configure(webhook_url=f"http://127.0.0.1:{taken.getsockname()[1]}/")
        sim.pay("ORDER1")
        sim.drain()
    attempt = sim.deliveries[0].attempts[0]
    assert attempt.status is None
    assert "refused" in attempt.error
    assert sim.deliveries[0].state == "queued"


def test_a_merchant_that_does_not_answer_is_given_up_for_now(amharic: None, sim: RunningSimulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sim.configure(webhook_url=f"http://127.0.0.1:{silent.getsockname()[1]}/", delivery_timeout=0.1)
        sim.pay("ORDER1")
        sim.drain()
    attempt = sim.deliveries[0].attempts[0]
    assert (attempt.status, attempt.latency_ms >= 100) == (None, True)
    assert "Timeout" in attempt.error


def test_the_schedule_is_a_setting(amharic: None, sim: RunningSimulator, merchant: Merchant) -> None:
    sim.configure(retry_delays=(60.0, 120.0), time_scale=60.0)
    merchant.status = 500
    sim.pay("ORDER1")
    sim.advance(60)
    seconds = [(item.at - VIRTUAL_START).total_seconds() for item in sim.deliveries[0].attempts]
    assert seconds == [0, 1, 3]


def test_a_schedule_without_pause_is_refused() -> None:
    with pytest.raises(SettingsError, match="greater than zero"):
        Settings(retry_delays=(0.0,))


def test_callback_carries_the_three_parameters_after_those_it_had(
    initialize: Initialize, sim: RunningSimulator, merchant: Merchant
) -> None:
    initialize(callback_url=f"{merchant.url}/callback?shop=1")
    paid = sim.pay("ORDER1")
    sim.drain()
    query = f"shop=1&trx_ref=ORDER1&ref_id={paid.reference}&status=success"
    assert [item.path for item in merchant.callbacks] == [f"/callback?{query}"]


def test_callback_is_never_repeated(
    initialize: Initialize, sim: RunningSimulator, merchant: Merchant
) -> None:
    initialize(callback_url=f"{merchant.url}/callback")
    merchant.status = 500
    sim.fail("ORDER1")
    sim.advance(60)
    assert len(merchant.callbacks) == 1


def test_callback_can_be_switched_off(
    initialize: Initialize, sim: RunningSimulator, merchant: Merchant
) -> None:
    sim.configure(callback=False)
    initialize(callback_url=f"{merchant.url}/callback")
    sim.pay("ORDER1")
    sim.drain()
    assert merchant.callbacks == []


def test_a_failure_and_the_later_success_are_two_messages_in_order(
    amharic: None, sim: RunningSimulator, merchant: Merchant
) -> None:
    sim.fail("ORDER1")
    sim.pay("ORDER1")
    sim.drain()
    events = [json.loads(item.body)["event"] for item in merchant.webhooks]
    assert events == ["charge.failed/cancelled", "charge.success"]
