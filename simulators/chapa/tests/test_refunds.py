"""Refunds: the documented answers, the way to the end, what the merchant is told, and what goes wrong."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexus_chapa_sim.recording import Merchant
from nexus_chapa_sim.testing import RunningSimulator, running_simulator

Initialize = Callable[..., httpx.Response]
Refund = Callable[..., httpx.Response]


@pytest.fixture
def paid(sim: RunningSimulator, initialize: Initialize) -> str:
    """The gateway's reference of a paid transaction of 100 birr; refunds are allowed in test mode."""
    sim.configure(refund_live_only=False, callback=False)
    initialize()
    reference = sim.pay("ORDER1").reference
    sim.drain()
    assert reference is not None
    return reference


@pytest.fixture
def refund(api: httpx.Client, paid: str) -> Refund:
    def call(path: str = paid, **form: str) -> httpx.Response:
        return api.post(f"/v1/refund/{path}", data=form)

    return call


def told(merchant: Merchant) -> list[dict[str, Any]]:
    events = [json.loads(item.body) for item in merchant.webhooks]
    return [event for event in events if event["event"] != "charge.success"]


def test_a_refund_is_answered_as_documented(refund: Refund, paid: str) -> None:
    answer = refund(amount="40.50", reason="Damaged", reference="REFUND1", **{"meta[note]": "x"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["message"] == "Refund initiated successfully. Processing time: 1-3 business days"
    assert body["status"] == "success"
    data = body["data"]
    assert re.fullmatch(r"MERC-DIS-REF-\w{12}", data["ref"])
    assert (data["amount"], data["currency"], data["status"]) == ("40.50", "ETB", "Refund Initiated")
    assert (data["chapa_reference"], data["merchant_reference"]) == (paid, "REFUND1")
    assert (data["reason"], data["meta"]) == ("Damaged", {"note": "x"})


def test_without_an_amount_everything_is_refunded(refund: Refund) -> None:
    assert refund().json()["data"]["amount"] == "100.00"


def test_the_tx_ref_names_the_transaction_too(refund: Refund) -> None:
    assert refund("ORDER1").status_code == 200


def test_it_is_verified_by_the_gateways_name(api: httpx.Client, refund: Refund) -> None:
    ref_id = refund(reference="REFUND1", amount="10").json()["data"]["ref"]
    body = api.get(f"/v1/refund/{ref_id}/verify").json()
    assert (body["message"], body["status"]) == ("Refund verified successfully", "success")
    data = body["data"]
    assert (data["ref_id"], data["amount"], data["status"]) == (ref_id, "10.00", "initiated")
    assert data["merchant_reference"] == "REFUND1"


def test_it_is_verified_by_the_merchants_name_only_where_that_is_switched_on(
    sim: RunningSimulator, api: httpx.Client, refund: Refund
) -> None:
    refund(reference="REFUND1")
    unknown = api.get("/v1/refund/REFUND1/verify")
    assert (unknown.status_code, unknown.json()["message"]) == (404, "Refund not found")
    sim.configure(refund_verify_accepts_reference=True)
    assert api.get("/v1/refund/REFUND1/verify").status_code == 200


@pytest.mark.parametrize("amount", ["100.01", "0", "-1", "99999999999"])
def test_more_than_was_paid_or_nothing_is_refused(refund: Refund, amount: str) -> None:
    answer = refund(amount=amount)
    message = "Refund amount cannot exceed the full transaction amount or be less than 0"
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_a_second_refund_over_the_remainder_is_refused(refund: Refund, sim: RunningSimulator) -> None:
    first = refund(amount="60").json()["data"]["ref"]
    assert refund(amount="40.01").status_code == 400 and refund().status_code == 400
    sim.refunds.reverse(first)
    assert refund(amount="100").status_code == 200


def test_twenty_at_once_refund_no_more_than_was_paid(refund: Refund, sim: RunningSimulator) -> None:
    threads = [threading.Thread(target=refund, kwargs={"amount": "30"}) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sim.refunds.all()) == 3


def test_a_reference_is_used_once(refund: Refund, sim: RunningSimulator) -> None:
    refund(amount="1", reference="REFUND1")
    again = refund(amount="1", reference="REFUND1")
    assert (again.status_code, again.json()["message"]) == (400, "Refund reference has been used before")
    assert len(sim.refunds.all()) == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [({"amount": "x"}, "amount"), ({"amount": "1.001"}, "amount"), ({"reference": "a b"}, "reference")],
)
def test_members_that_do_not_fit_are_complained_about(
    refund: Refund, form: dict[str, str], field: str
) -> None:
    answer = refund(**form)
    assert answer.status_code == 400 and list(answer.json()["message"]) == [field]


def test_what_was_not_paid_is_not_refunded(api: httpx.Client, refund: Refund, initialize: Initialize) -> None:
    initialize(tx_ref="ORDER2")
    assert refund("ORDER2").status_code == 400
    unknown = refund("NOTHING")
    assert (unknown.status_code, unknown.json()["status"]) == (404, "failed")


def test_a_key_is_needed_for_both(browser: httpx.Client, refund: Refund, paid: str) -> None:
    ref_id = refund().json()["data"]["ref"]
    assert browser.post(f"/v1/refund/{paid}").status_code == 401
    assert browser.get(f"/v1/refund/{ref_id}/verify").status_code == 401


def test_test_keys_are_refused_by_default(sim: RunningSimulator, refund: Refund) -> None:
    sim.configure(refund_live_only=True)
    answer = refund()
    message = "Refunds can only be processed in live mode"
    assert (answer.status_code, answer.json()["message"]) == (400, message)
    assert sim.refunds.all() == []


def test_live_keys_are_not_refused() -> None:
    key = "CHASECK-live"
    with running_simulator(secret_keys=(key,)) as sim:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=sim.url, headers=headers) as client:
            body = {"amount": "5", "currency": "ETB", "tx_ref": "L1"}
            client.post("/v1/transaction/initialize", json=body)
            sim.pay("L1")
            assert client.post("/v1/refund/L1").status_code == 200


def test_parts_can_be_switched_off(sim: RunningSimulator, refund: Refund) -> None:
    sim.configure(partial_refunds=False)
    assert refund(amount="10").status_code == 400
    assert refund(amount="100").status_code == 200


def status_of(api: httpx.Client, ref_id: str) -> str:
    return str(api.get(f"/v1/refund/{ref_id}/verify").json()["data"]["status"])


def test_time_takes_a_refund_to_its_end(
    sim: RunningSimulator, api: httpx.Client, refund: Refund, merchant: Merchant
) -> None:
    ref_id = refund(amount="100").json()["data"]["ref"]
    sim.advance(59)
    assert status_of(api, ref_id) == "initiated" and told(merchant) == []
    sim.advance(1)
    assert status_of(api, ref_id) == "processing"
    sim.advance(23 * 60)
    assert status_of(api, ref_id) == "refunded"
    assert api.get("/v1/transaction/verify/ORDER1").json()["data"]["status"] == "refunded"
    first, second = told(merchant)
    assert first["event"] == second["event"] == "charge.refunded", "under way, and done"
    assert first["tx_ref"] == "ORDER1" and "ref_id" not in first


def test_a_part_leaves_the_transaction_a_success(
    sim: RunningSimulator, api: httpx.Client, refund: Refund
) -> None:
    refund(amount="99.99")
    sim.advance(24 * 60)
    assert api.get("/v1/transaction/verify/ORDER1").json()["data"]["status"] == "success"


def test_refund_events_name_the_refund(sim: RunningSimulator, refund: Refund, merchant: Merchant) -> None:
    sim.configure(refund_events="refund")
    ref_id = refund(amount="10", reference="REFUND1").json()["data"]["ref"]
    sim.advance(24 * 60)
    sim.refunds.reverse(ref_id)
    sim.drain()
    done, reversed_ = told(merchant)
    assert (done["event"], reversed_["event"]) == ("refund.success", "refund.reversed")
    assert (done["ref_id"], done["merchant_reference"], done["amount"]) == (ref_id, "REFUND1", "10.00")


@pytest.mark.parametrize(
    ("signals", "webhooks", "status"), [("webhook-only", 2, 404), ("verify-only", 0, 200)]
)
def test_one_of_the_two_signals_can_be_missing(
    sim: RunningSimulator,
    api: httpx.Client,
    refund: Refund,
    merchant: Merchant,
    signals: str,
    webhooks: int,
    status: int,
) -> None:
    sim.configure(refund_signals=signals)
    ref_id = refund().json()["data"]["ref"]
    sim.advance(24 * 60)
    assert len(told(merchant)) == webhooks
    assert api.get(f"/v1/refund/{ref_id}/verify").status_code == status


def test_accepted_without_a_name(sim: RunningSimulator, refund: Refund) -> None:
    sim.faults.add("refund", "without_ref_id")
    answer = refund()
    assert answer.status_code == 200 and "ref" not in answer.json()["data"]
    assert len(sim.refunds.all()) == 1


def test_accepted_and_the_answer_lost(sim: RunningSimulator, refund: Refund) -> None:
    sim.faults.add("refund", "drop_after_effect")
    with pytest.raises(httpx.HTTPError):
        refund()
    assert len(sim.refunds.all()) == 1


def test_rejected(sim: RunningSimulator, refund: Refund) -> None:
    sim.faults.add("refund", "rejected")
    assert refund().status_code == 400 and sim.refunds.all() == []


def test_initiated_for_days_and_then_reversed(
    sim: RunningSimulator, api: httpx.Client, refund: Refund, merchant: Merchant
) -> None:
    sim.configure(refund_completed_after=5 * 86_400.0)
    sim.faults.add("refund", "reversed")
    ref_id = refund().json()["data"]["ref"]
    sim.advance(4 * 24 * 60)
    assert status_of(api, ref_id) == "initiated" and told(merchant) == []
    sim.advance(24 * 60)
    assert status_of(api, ref_id) == "reversed" and told(merchant)[0]["event"] == "charge.reversed"


def test_kinds_of_refunds_belong_to_refunds(browser: httpx.Client, paid: str) -> None:
    wrong = browser.post("/_sim/faults", json={"target": "verify", "kind": "rejected"})
    assert wrong.status_code == 400 and "rejected" not in wrong.json()["error"]


def test_the_control_api_moves_refunds(browser: httpx.Client, refund: Refund) -> None:
    ref_id = refund(amount="10").json()["data"]["ref"]
    assert browser.get("/_sim/refunds?tx_ref=OTHER").json() == {"refunds": []}
    assert browser.get("/_sim/refunds").json()["refunds"][0]["ref_id"] == ref_id
    path = f"/_sim/refunds/{ref_id}"
    states = [browser.post(f"{path}/{step}").json()["state"] for step in ("process", "complete", "reverse")]
    assert states == ["processing", "refunded", "reversed"]
    refused = browser.post(f"{path}/complete")
    assert (refused.status_code, refused.json()["state"]) == (409, "reversed")
    assert browser.get(path).json()["amount"] == "10.00"
    assert browser.get("/_sim/refunds/NOTHING").status_code == 404


def test_the_control_page_moves_refunds(browser: httpx.Client, refund: Refund) -> None:
    ref_id = refund().json()["data"]["ref"]
    assert f'id="refund-{ref_id}"' in browser.get("/").text
    for target in ("processing", "refunded", "reversed", "refunded"):
        answer = browser.post(f"/panel/refunds/{ref_id}/{target}")
        assert answer.status_code == 303
    assert f"refused={ref_id}" in answer.headers["Location"]
    assert browser.post("/panel/refunds/NOTHING/refunded").status_code == 404


@pytest.mark.parametrize("name", ["refund_processing_after", "refund_completed_after"])
def test_times_are_checked(browser: httpx.Client, name: str) -> None:
    assert browser.patch("/_sim/settings", json={name: -1}).status_code == 400
    assert browser.patch("/_sim/settings", json={name: 5}).json()[name] == 5.0


def test_refunds_survive_a_restart(tmp_path: Path) -> None:
    state_file = tmp_path / "sim.sqlite"
    options: dict[str, Any] = {"state_file": state_file, "refund_live_only": False}
    with running_simulator(**options) as sim:
        headers = {"Authorization": f"Bearer {sim.secret_key}"}
        with httpx.Client(base_url=sim.url, headers=headers) as client:
            body = {"amount": "5", "currency": "ETB", "tx_ref": "R1"}
            client.post("/v1/transaction/initialize", json=body)
            sim.pay("R1")
            client.post("/v1/refund/R1", data={"amount": "2"})
        before = sim.refunds.all()
    with running_simulator(**options) as sim:
        assert sim.refunds.all() == before and len(before) == 1
        sim.advance(24 * 60)
        assert sim.refunds.all()[0].state == "refunded"
