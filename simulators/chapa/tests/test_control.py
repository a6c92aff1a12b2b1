"""The control API and the control page."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nexus_chapa_sim.recording import Merchant
from nexus_chapa_sim.testing import RunningSimulator

Initialize = Callable[..., httpx.Response]


def test_health(browser: httpx.Client) -> None:
    assert browser.get("/healthz").status_code == 200


def test_transactions_are_listed_and_shown(browser: httpx.Client, initialize: Initialize) -> None:
    initialize()
    listed = browser.get("/_sim/transactions").json()["transactions"]
    shown = browser.get("/_sim/transactions/ORDER1").json()
    assert listed == [shown]
    assert (shown["tx_ref"], shown["amount"], shown["state"]) == ("ORDER1", "100.00", "created")


@pytest.mark.parametrize(
    ("action", "state"),
    [("submit", "pending"), ("pay", "success"), ("fail", "failed"), ("cancel", "cancelled")],
)
def test_the_customer_can_be_played(
    browser: httpx.Client, initialize: Initialize, action: str, state: str
) -> None:
    initialize()
    response = browser.post(f"/_sim/transactions/ORDER1/{action}", json={"method": "mpesa"})
    assert (response.status_code, response.json()["state"]) == (200, state)


def test_what_the_state_forbids_is_a_conflict(browser: httpx.Client, initialize: Initialize) -> None:
    initialize()
    browser.post("/_sim/transactions/ORDER1/pay")
    response = browser.post("/_sim/transactions/ORDER1/cancel")
    assert (response.status_code, response.json()["state"]) == (409, "success")


def test_deliveries_show_the_exact_bytes(
    browser: httpx.Client, initialize: Initialize, sim: RunningSimulator, merchant: Merchant
) -> None:
    initialize(first_name="አበበ")
    sim.pay("ORDER1")
    sim.drain()
    (shown,) = browser.get("/_sim/deliveries", params={"tx_ref": "ORDER1"}).json()["deliveries"]
    assert base64.b64decode(shown["body_base64"]) == merchant.webhooks[0].body
    assert shown["headers"]["x-chapa-signature"] == merchant.webhooks[0].headers["x-chapa-signature"]
    assert (shown["state"], shown["attempts"][0]["status"]) == ("delivered", 200)
    assert shown["attempts"][0]["latency_ms"] > 0
    assert browser.get("/_sim/deliveries?tx_ref=OTHER").json() == {"deliveries": []}


def test_redelivery_sends_the_same_bytes_again(
    browser: httpx.Client, initialize: Initialize, sim: RunningSimulator, merchant: Merchant
) -> None:
    initialize()
    sim.pay("ORDER1")
    sim.drain()
    assert browser.post("/_sim/deliveries/d1/redeliver").status_code == 201
    sim.drain()
    assert len(merchant.webhooks) == 2
    assert merchant.webhooks[0].body == merchant.webhooks[1].body


def test_faults_are_set_listed_and_removed(browser: httpx.Client) -> None:
    fault = browser.post("/_sim/faults", json={"target": "verify", "kind": "html_500", "count": 3})
    assert (fault.status_code, fault.json()["remaining"]) == (201, 3)
    assert browser.get("/_sim/faults").json() == {"faults": [fault.json()]}
    assert browser.delete(f"/_sim/faults/{fault.json()['id']}").status_code == 204
    assert browser.delete(f"/_sim/faults/{fault.json()['id']}").status_code == 404
    browser.post("/_sim/faults", json={"target": "webhook", "kind": "never"})
    assert browser.delete("/_sim/faults").status_code == 204
    assert browser.get("/_sim/faults").json() == {"faults": []}


def test_settings_change_while_it_runs_and_secrets_stay_hidden(
    browser: httpx.Client, sim: RunningSimulator
) -> None:
    changes = {"webhook_url": "http://127.0.0.1:1/x", "retry_delays": [1, 2.5], "fee_percent": "3"}
    changes |= {"webhook_secret": "new", "subaccounts": ["s:flat:5"], "callback": False}
    shown = browser.patch("/_sim/settings", json=changes).json()
    assert (shown["webhook_url"], shown["retry_delays"]) == ("http://127.0.0.1:1/x", [1.0, 2.5])
    assert not {"webhook_secret", "secret_keys"} & set(shown)
    assert sim.settings.webhook_secret == "new"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_sim/transactions/NOBODY", None, 404),
        ("POST", "/_sim/transactions/NOBODY/pay", None, 404),
        ("POST", "/_sim/deliveries/d9/redeliver", None, 404),
        ("POST", "/_sim/transactions/ORDER1/pay", {"method": "shells"}, 400),
        ("POST", "/_sim/transactions/ORDER1/pay", {"method": ["a"]}, 400),
        ("POST", "/_sim/transactions/ORDER1/pay", {"phone": "1"}, 400),
        ("POST", "/_sim/transactions/ORDER1/pay", [1], 400),
        ("POST", "/_sim/faults", {}, 400),
        ("POST", "/_sim/faults", {"target": "verify", "kind": "nothing"}, 400),
        ("POST", "/_sim/faults", {"target": 1, "kind": "delay"}, 400),
        ("POST", "/_sim/faults", {"target": "verify", "kind": "delay", "count": True}, 400),
        ("POST", "/_sim/faults", {"target": "verify", "kind": "delay", "extra": 1}, 400),
        ("POST", "/_sim/faults", {"target": "webhook", "kind": "wrong_amount", "value": "\ud800"}, 400),
        ("PATCH", "/_sim/settings", {"colour": "red"}, 400),
        ("PATCH", "/_sim/settings", {"seed": 5}, 400),
        ("PATCH", "/_sim/settings", {"title_limit": "many"}, 400),
        ("PATCH", "/_sim/settings", {"webhook_url": "ftp://x"}, 400),
        ("PATCH", "/_sim/settings", {"retry_delays": "never"}, 400),
        ("PATCH", "/_sim/settings", {"time_scale": True}, 400),
        ("PATCH", "/_sim/settings", {"time_scale": float("inf")}, 400),
        ("PATCH", "/_sim/settings", {"retry_delays": "nan"}, 400),
        ("PATCH", "/_sim/settings", {"fee_percent": "-1"}, 400),
        ("PATCH", "/_sim/settings", {"secret_keys": "CHASECK-x"}, 400),
        ("PATCH", "/_sim/settings", {"signature_headers": "maybe"}, 400),
        ("PATCH", "/_sim/settings", {"webhook_secret": "\ud800"}, 400),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/v1/banks", None, 405),
    ],
)
def test_bad_input_is_a_clear_4xx(
    browser: httpx.Client, initialize: Initialize, method: str, path: str, body: Any, status: int
) -> None:
    initialize()
    content = None if body is None else json.dumps(body)
    assert browser.request(method, path, content=content).status_code == status


def test_other_host_names_are_refused(browser: httpx.Client) -> None:
    assert browser.get("/_sim/transactions", headers={"Host": "evil.example"}).status_code == 400


def test_a_giant_body_is_refused(api: httpx.Client) -> None:
    response = api.post(
        "/v1/transaction/initialize",
        content=b" " * 1_000_001,
        headers={"Content-Type": "application/json"},
    )
    assert response.status_code == 413


def test_the_control_page_lists_and_acts(
    browser: httpx.Client, initialize: Initialize, sim: RunningSimulator
) -> None:
    assert "No transaction yet" in browser.get("/").text
    initialize()
    sim.faults.add("verify", "delay")
    page = browser.post("/panel/transactions/ORDER1/pay", follow_redirects=True).text
    assert 'id="transaction-ORDER1"' in page and 'id="delivery-d1"' in page and "delay on verify" in page
    again = browser.post("/panel/transactions/ORDER1/pay", follow_redirects=True).text
    assert 'id="refused"' in again
    assert browser.post("/panel/transactions/NOBODY/pay").status_code == 404
    assert browser.post("/panel/deliveries/d1/redeliver").status_code == 303
    assert browser.post("/panel/deliveries/d9/redeliver").status_code == 404
    assert len(sim.deliveries) == 2
