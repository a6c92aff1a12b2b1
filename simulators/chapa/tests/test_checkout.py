"""The hosted page, used as a browser without JavaScript uses it."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from nexus_chapa_sim.core.model import State
from nexus_chapa_sim.testing import RunningSimulator

Initialize = Callable[..., httpx.Response]
SHOP = "http://127.0.0.1:9/done/abc"


@pytest.fixture
def page(initialize: Initialize) -> str:
    shown = {"title": "Abeba Coffee", "description": "Order 7"}
    response = initialize(return_url=SHOP, customization=shown, phone_number="0911121314")
    return str(response.json()["data"]["checkout_url"])


def press(browser: httpx.Client, page: str, action: str, **fields: str) -> httpx.Response:
    return browser.post(page, data={"action": action, "method": "telebirr"} | fields, follow_redirects=True)


def test_the_page_shows_what_is_paid_and_that_it_is_a_test(browser: httpx.Client, page: str) -> None:
    html = browser.get(page).text
    for text in ("Abeba Coffee", "Order 7", 'data-amount="100.00"', "ETB", "TEST MODE", 'value="0911121314"'):
        assert text in html


def test_element_ids_are_stable(browser: httpx.Client, page: str) -> None:
    html = browser.get(page).text
    ids = "payment-form method-telebirr method-mpesa phone pay-button fail-button hold-button cancel-button"
    for name in ["test-banner", "merchant-title", "payment-amount", *ids.split()]:
        assert f'id="{name}"' in html


def test_the_page_needs_no_script_and_nothing_from_outside(browser: httpx.Client, page: str) -> None:
    response = browser.get(page)
    assert "<script" not in response.text
    assert "http://" not in response.text and "https://" not in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


def test_only_the_first_look_makes_it_active(browser: httpx.Client, page: str, sim: RunningSimulator) -> None:
    assert sim.transaction("ORDER1").state is State.CREATED
    browser.get(page)
    first = sim.transaction("ORDER1")
    browser.get(page)
    assert first.state is State.ACTIVE
    assert sim.transaction("ORDER1") == first


def test_paying_ends_on_a_page_that_returns_to_the_shop(
    browser: httpx.Client, page: str, sim: RunningSimulator
) -> None:
    html = press(browser, page, "pay", method="mpesa", phone="0712345678").text
    paid = sim.transaction("ORDER1")
    assert (paid.state, paid.method, paid.phone) == (State.SUCCESS, "mpesa", "0712345678")
    assert 'data-state="success"' in html
    assert f'content="2;url={SHOP}"' in html
    assert f'id="return-link" href="{SHOP}"' in html


def test_return_without_parameters_at_once(browser: httpx.Client, page: str, sim: RunningSimulator) -> None:
    sim.configure(redirect_delay=0)
    response = browser.post(page, data={"action": "pay"})
    assert (response.status_code, response.headers["location"]) == (303, SHOP)


def test_return_with_parameters(browser: httpx.Client, page: str, sim: RunningSimulator) -> None:
    sim.configure(redirect_delay=0, return_style="append")
    location = browser.post(page, data={"action": "pay"}).headers["location"]
    reference = sim.transaction("ORDER1").reference
    expected = {"trx_ref": ["ORDER1"], "ref_id": [reference], "status": ["success"]}
    assert parse_qs(urlsplit(location).query) == expected


def test_a_failure_stays_on_the_page_and_offers_another_try(
    browser: httpx.Client, page: str, sim: RunningSimulator
) -> None:
    html = press(browser, page, "fail").text
    assert 'id="attempt-failed"' in html and "Try again" in html and "9 attempts left" in html
    assert "refresh" not in html
    press(browser, page, "pay")
    assert sim.transaction("ORDER1").state is State.SUCCESS


def test_after_ten_failures_there_is_only_the_way_back(browser: httpx.Client, page: str) -> None:
    for _ in range(9):
        press(browser, page, "fail")
    html = press(browser, page, "fail").text
    assert "pay-button" not in html and 'id="return-link"' in html and "used up" in html


def test_cancelling_kills_the_link(browser: httpx.Client, page: str, sim: RunningSimulator) -> None:
    html = press(browser, page, "cancel").text
    assert 'data-state="cancelled"' in html and 'id="return-link"' in html
    press(browser, page, "pay")
    assert sim.transaction("ORDER1").state is State.CANCELLED


def test_pending_waits_for_confirmation(browser: httpx.Client, page: str, sim: RunningSimulator) -> None:
    html = press(browser, page, "hold").text
    assert sim.transaction("ORDER1").state is State.PENDING
    assert 'id="pending-text"' in html and "cancel-button" not in html
    press(browser, page, "pay")
    assert (sim.transaction("ORDER1").state, sim.transaction("ORDER1").attempts) == (State.SUCCESS, 1)


def test_pressing_pay_twice_pays_once(browser: httpx.Client, page: str, sim: RunningSimulator) -> None:
    press(browser, page, "pay")
    html = press(browser, page, "pay").text
    assert 'data-state="success"' in html
    assert len(sim.deliveries) == 1


def test_an_expired_link_says_so(browser: httpx.Client, page: str, sim: RunningSimulator) -> None:
    sim.advance(60)
    assert 'data-state="expired"' in browser.get(page).text
    assert 'data-state="expired"' in press(browser, page, "pay").text


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"action": "steal"}, "one of the buttons"),
        ({"action": "pay", "method": "shells"}, "payment methods"),
        ({"action": "pay", "phone": "12345"}, "10 digits"),
    ],
)
def test_bad_input_changes_nothing(
    browser: httpx.Client, page: str, sim: RunningSimulator, fields: dict[str, str], problem: str
) -> None:
    before = sim.transaction("ORDER1")
    response = browser.post(page, data=fields)
    assert response.status_code == 422
    assert problem in response.text
    assert sim.transaction("ORDER1") == before


def test_an_unknown_link_is_a_page_too(browser: httpx.Client) -> None:
    response = browser.get("/checkout/payment/nothing")
    assert response.status_code == 404
    assert 'data-state="unknown"' in response.text


def test_what_the_merchant_wrote_is_escaped(
    browser: httpx.Client, initialize: Initialize, sim: RunningSimulator
) -> None:
    sent = initialize(customization={"title": "<b>x</b>"}, return_url='http://h/"><script>')
    page = sent.json()["data"]["checkout_url"]
    press(browser, page, "pay")
    html = browser.get(page).text
    assert "<b>x" not in html and "<script" not in html


def test_another_site_cannot_press_the_buttons(
    browser: httpx.Client, page: str, sim: RunningSimulator
) -> None:
    response = browser.post(page, data={"action": "pay"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status_code == 403
    assert sim.transaction("ORDER1").state is State.CREATED
