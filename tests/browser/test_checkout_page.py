"""The gateway simulator's hosted page, as a buyer sees it."""

from typing import Any

import httpx
import pytest
from nexus_chapa_sim.testing import RunningSimulator, running_simulator


@pytest.fixture
def simulator():
    with running_simulator() as running:
        yield running


@pytest.fixture
def checkout_url(simulator: RunningSimulator) -> str:
    answer = httpx.post(
        f"{simulator.url}/v1/transaction/initialize",
        headers={"Authorization": f"Bearer {simulator.secret_key}"},
        json={
            "amount": "199.00",
            "currency": "ETB",
            "tx_ref": "NX0001",
            "return_url": f"{simulator.url}/healthz",
            "customization": {"title": "Gift shop", "description": "Order NX-7F3K"},
        },
    )
    return answer.json()["data"]["checkout_url"]


def test_it_says_who_asks_for_how_much_and_that_no_money_moves(page: Any, checkout_url: str):
    page.goto(checkout_url)
    text = page.inner_text("body")
    assert "Gift shop" in text and "199.00" in text and "ETB" in text and "TEST MODE" in text


def test_it_fits_a_phone(page: Any, checkout_url: str):
    page.goto(checkout_url)
    assert page.locator("#pay-button").bounding_box()["width"] <= 390
    assert page.locator("body").bounding_box()["width"] <= 390


def test_a_failed_attempt_can_be_tried_again_and_leads_back_to_the_shop(
    page: Any, checkout_url: str, simulator: RunningSimulator
):
    page.goto(checkout_url)
    page.click("#fail-button")
    assert "try again" in page.inner_text("#attempt-failed")
    page.click("#pay-button")
    assert page.get_attribute("#outcome", "data-state") == "success"
    page.click("#return-link")
    assert page.url == f"{simulator.url}/healthz"
    assert simulator.transaction("NX0001").state == "success"


def test_cancelling_charges_nothing(page: Any, checkout_url: str, simulator: RunningSimulator):
    page.goto(checkout_url)
    page.click("#cancel-button")
    assert "Nothing was charged" in page.inner_text("body")
    assert simulator.transaction("NX0001").state == "cancelled"
