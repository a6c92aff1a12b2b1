"""verify, cancel, events and the state machine behind them."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nexus_chapa_sim.core.machine import TRANSITIONS, IllegalTransition
from nexus_chapa_sim.core.model import State
from nexus_chapa_sim.testing import RunningSimulator, running_simulator

Initialize = Callable[..., httpx.Response]
NOT_PAID = {"message": "Payment not paid yet", "status": None, "data": None}
NOT_FOUND = {"message": "Invalid transaction or Transaction not found", "status": "failed", "data": None}


def verify(api: httpx.Client, tx_ref: str = "ORDER1") -> tuple[int, Any]:
    response = api.get(f"/v1/transaction/verify/{tx_ref}")
    return response.status_code, response.json()


def test_the_two_404s_differ(api: httpx.Client, initialize: Initialize) -> None:
    initialize()
    assert verify(api) == (404, NOT_PAID)
    assert verify(api, "NOBODY") == (404, NOT_FOUND)


def test_an_opened_page_is_still_unpaid(api: httpx.Client, checkout_url: str) -> None:
    httpx.get(checkout_url)
    assert verify(api) == (404, NOT_PAID)


def test_verify_of_a_paid_transaction(
    api: httpx.Client, initialize: Initialize, sim: RunningSimulator
) -> None:
    initialize(email="a@example.com", first_name="Abebe", last_name="Bikila", meta={"order": "7"})
    paid = sim.pay("ORDER1")
    status, body = verify(api)
    assert (status, body["message"], body["status"]) == (200, "Payment details", "success")
    assert body["data"] == {
        "first_name": "Abebe",
        "last_name": "Bikila",
        "email": "a@example.com",
        "currency": "ETB",
        "amount": 100,
        "charge": 3.5,
        "mode": "test",
        "method": "test",
        "type": "API",
        "status": "success",
        "reference": paid.reference,
        "tx_ref": "ORDER1",
        "customization": {"title": None, "description": None, "logo": None},
        "meta": {"order": "7"},
        "created_at": "2026-01-01T08:00:00.000000Z",
        "updated_at": "2026-01-01T08:00:00.000000Z",
    }
    assert list(body["data"])[:4] == ["first_name", "last_name", "email", "currency"]


def test_references_are_ap_and_ten_alphanumerics(initialize: Initialize, sim: RunningSimulator) -> None:
    initialize()
    assert sim.transaction("ORDER1").reference is None
    reference = sim.submit("ORDER1").reference
    assert reference is not None
    assert reference[:2] == "AP" and len(reference) == 12 and reference.isalnum()


def test_amounts_can_be_text(api: httpx.Client, initialize: Initialize, sim: RunningSimulator) -> None:
    sim.configure(amount_format="string")
    initialize()
    sim.pay("ORDER1")
    assert (verify(api)[1]["data"]["amount"], verify(api)[1]["data"]["charge"]) == ("100.00", "3.50")


@pytest.mark.parametrize(
    ("step", "status"), [("submit", "pending"), ("fail", "failed"), ("cancel", "cancelled")]
)
def test_verify_tells_every_other_outcome(
    api: httpx.Client, initialize: Initialize, sim: RunningSimulator, step: str, status: str
) -> None:
    initialize()
    getattr(sim, step)("ORDER1")
    code, body = verify(api)
    assert (code, body["status"], body["data"]["status"]) == (200, status, status)


def test_failure_is_not_final_and_keeps_its_reference(initialize: Initialize, sim: RunningSimulator) -> None:
    initialize()
    failed = sim.fail("ORDER1")
    paid = sim.pay("ORDER1")
    assert (failed.state, paid.state, paid.attempts) == (State.FAILED, State.SUCCESS, 2)
    assert paid.reference == failed.reference


def test_ten_failures_are_final(initialize: Initialize, sim: RunningSimulator) -> None:
    initialize()
    for _ in range(10):
        sim.fail("ORDER1")
    with pytest.raises(IllegalTransition):
        sim.pay("ORDER1")
    assert sim.transaction("ORDER1").attempts_left == 0


@pytest.mark.parametrize("end", ["pay", "cancel"])
@pytest.mark.parametrize("step", ["submit", "pay", "fail", "cancel"])
def test_nothing_follows_a_final_state(
    initialize: Initialize, sim: RunningSimulator, end: str, step: str
) -> None:
    initialize()
    after = getattr(sim, end)("ORDER1")
    with pytest.raises(IllegalTransition):
        getattr(sim, step)("ORDER1")
    assert sim.transaction("ORDER1") == after


def test_every_state_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(State)
    final = {state for state, after in TRANSITIONS.items() if not after}
    assert final == {State.SUCCESS, State.CANCELLED, State.EXPIRED}


def test_an_untouched_link_expires_unpaid(
    api: httpx.Client, initialize: Initialize, sim: RunningSimulator
) -> None:
    sim.configure(deadline_minutes=5)
    initialize()
    sim.advance(4.99)
    assert sim.transaction("ORDER1").state is State.CREATED
    sim.advance(0.01)
    assert sim.transaction("ORDER1").state is State.EXPIRED
    assert verify(api) == (404, NOT_PAID)


def test_a_link_that_expires_after_a_failure_stays_failed(
    api: httpx.Client, initialize: Initialize, sim: RunningSimulator
) -> None:
    initialize()
    sim.fail("ORDER1")
    sim.advance(60)
    assert sim.transaction("ORDER1").state is State.EXPIRED
    assert verify(api)[1]["data"]["status"] == "failed"


def test_a_pending_attempt_outlives_the_deadline(initialize: Initialize, sim: RunningSimulator) -> None:
    initialize()
    sim.submit("ORDER1")
    sim.advance(600)
    assert sim.pay("ORDER1").state is State.SUCCESS


def test_cancel_expires_the_link_once(api: httpx.Client, initialize: Initialize) -> None:
    initialize()
    response = api.put("/v1/transaction/cancel/ORDER1")
    body = response.json()
    assert (response.status_code, body["message"]) == (200, "Checkout link expired successfully")
    assert list(body["data"]) == ["tx_ref", "amount", "currency", "created_at", "updated_at"]
    again = api.put("/v1/transaction/cancel/ORDER1")
    assert again.status_code == 400
    assert again.json() == {"message": "Payment link already expired", "status": "failed", "data": None}


def test_cancel_of_an_unknown_transaction(api: httpx.Client) -> None:
    response = api.put("/v1/transaction/cancel/NOBODY")
    assert (response.status_code, response.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("step", ["pay", "submit"])
def test_a_paid_or_pending_payment_cannot_be_cancelled(
    api: httpx.Client, initialize: Initialize, sim: RunningSimulator, step: str
) -> None:
    initialize()
    getattr(sim, step)("ORDER1")
    assert api.put("/v1/transaction/cancel/ORDER1").json()["message"] == "Payment link already expired"


def test_events_tell_the_history(api: httpx.Client, initialize: Initialize, sim: RunningSimulator) -> None:
    initialize()
    reference = sim.pay("ORDER1").reference
    rows = api.get(f"/v1/transaction/events/{reference}").json()["data"]
    assert [row["item"] for row in rows] == [1, 2, 3, 4]
    assert rows[-1]["message"] == "Payment completed"
    assert set(rows[0]) == {"item", "message", "type", "created_at", "updated_at"}
    assert api.get("/v1/transaction/events/APnobody").status_code == 404


def test_keys_of_the_other_mode_are_refused() -> None:
    with running_simulator(secret_keys=("CHASECK_TEST-a", "CHASECK-b")) as sim:
        url = f"{sim.url}/v1/transaction"
        for owner, other, message in (
            ("CHASECK_TEST-a", "CHASECK-b", "Live secret keys can't be used to verify a test transaction"),
            ("CHASECK-b", "CHASECK_TEST-a", "Test secret keys can't be used to verify a live transaction"),
        ):
            body = {"amount": "1", "currency": "ETB", "tx_ref": owner}
            httpx.post(f"{url}/initialize", json=body, headers={"Authorization": f"Bearer {owner}"})
            response = httpx.get(f"{url}/verify/{owner}", headers={"Authorization": f"Bearer {other}"})
            assert response.status_code == 401
            assert response.json() == {"message": message, "status": "failed", "data": None}


@pytest.mark.parametrize("accepted", [False, True])
def test_verify_by_gateway_reference_is_a_setting(
    api: httpx.Client, initialize: Initialize, sim: RunningSimulator, accepted: bool
) -> None:
    sim.configure(verify_accepts_reference=accepted)
    initialize()
    reference = sim.pay("ORDER1").reference
    assert verify(api, str(reference))[0] == (200 if accepted else 404)


def test_supported_currencies(api: httpx.Client) -> None:
    data = api.get("/v1/currency_supported").json()["data"]
    assert data["currency_code"] == ["ETB", "USD"]
    assert len(data["currency_name"]) == 2


def test_banks_answer_has_no_status(api: httpx.Client) -> None:
    body = api.get("/v1/banks").json()
    assert list(body) == ["message", "data"]
    assert next(row["id"] for row in body["data"] if row["slug"] == "telebirr") == 855


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/transaction/verify/X"),
        ("PUT", "/v1/transaction/cancel/X"),
        ("GET", "/v1/transaction/events/X"),
        ("GET", "/v1/currency_supported"),
        ("GET", "/v1/banks"),
    ],
)
def test_every_route_needs_a_key(sim: RunningSimulator, method: str, path: str) -> None:
    response = httpx.request(method, sim.url + path)
    assert (response.status_code, response.json()["message"]) == (401, "Authorization required")


def test_a_seed_repeats_tokens_and_references() -> None:
    def run() -> tuple[str, str | None]:
        with running_simulator(seed=7) as sim:
            body = {"amount": "1", "currency": "ETB", "tx_ref": "S"}
            httpx.post(
                f"{sim.url}/v1/transaction/initialize",
                json=body,
                headers={"Authorization": f"Bearer {sim.secret_key}"},
            )
            paid = sim.pay("S")
            return paid.token, paid.reference

    assert run() == run()
