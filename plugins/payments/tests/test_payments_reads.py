"""Lists, the return page, the command line, and what a deployment must not start with."""

import base64
import hashlib

import pytest
from click.testing import CliRunner
from nexus_payments.commands import payments as group

from nexus_kernel import Money, StartupError, new_id, services, transaction
from nexus_kernel.contracts.payments import PaymentService, Problem
from nexus_kernel.testing import auth_headers, count_queries
from nexus_kernel.testing.fixtures import make_app


def get(bench, path, headers=None):
    return bench.app.test_client().get(f"/api/payments{path}", headers=headers or {})


def test_a_buyer_sees_their_own_payments_and_staff_all(bench, shop):
    bench.opened()
    stranger = auth_headers(bench.app, person_id=new_id())
    assert get(bench, "/", bench.headers).json["count"] == 1
    assert get(bench, "/", stranger).json["count"] == 0
    assert get(bench, "/", auth_headers(bench.app, "staff")).json["count"] == 1
    assert get(bench, "/").status_code == 401


def test_a_strangers_payment_is_not_found(bench):
    path = f"/{bench.opened()['payment_id']}/"
    stranger = get(bench, path, auth_headers(bench.app, person_id=new_id()))
    assert (stranger.status_code, stranger.json["code"]) == (404, "payments.not_found")
    assert get(bench, path, bench.headers).status_code == 200
    assert get(bench, path, auth_headers(bench.app, "staff")).status_code == 200


def test_a_payment_shows_what_its_buyer_needs(bench, shop):
    order = shop.add(bench.buyer, Money(123456, "ETB"))
    answer = bench.opened(order)
    shown = get(bench, f"/{answer['payment_id']}/", bench.headers).json
    assert shown["amount"] == "1234.56" and shown["currency"] == "ETB"
    assert shown["order_id"] == str(order) and shown["order_number"] == "N-1001"
    assert shown["status"] == "pending" and shown["payment_url"] == answer["payment_url"]
    assert shown["failure"] is None and "idempotency_key" not in shown


def test_lists_can_be_filtered(bench, shop, gateway):
    first, second = bench.opened(), bench.opened()
    gateway.pay(first["tx_ref"])
    bench.notify(first["tx_ref"])
    bench.drain()
    paid = get(bench, "/?status=succeeded", bench.headers).json["results"]
    assert [row["id"] for row in paid] == [first["payment_id"]]
    order = get(bench, f"/{second['payment_id']}/", bench.headers).json["order_id"]
    rows = get(bench, f"/?order_id={order}", bench.headers).json["results"]
    assert [row["id"] for row in rows] == [second["payment_id"]]
    assert get(bench, "/?status=paid", bench.headers).status_code == 422
    assert get(bench, "/?order_id=7", bench.headers).status_code == 422


def test_a_list_whose_count_is_plain_takes_one_query_however_long(bench):
    counts = []
    for _ in range(3):
        bench.opened()
        with count_queries(bench.app) as queries:
            assert get(bench, "/", bench.headers).status_code == 200
        counts.append(len(queries))
    assert counts == [1, 1, 1]


def test_the_providers_are_public(bench):
    assert get(bench, "/providers/").json == {
        "results": [{"code": "scripted", "display_name": "Scripted", "currencies": ["ETB", "USD"]}]
    }


def test_the_return_page_sends_the_buyer_to_the_shop_and_asks_the_gateway(bench, shop, gateway):
    order = shop.add(bench.buyer)
    answer = bench.initiate(order, return_url="http://localhost:3000/thanks?cart=1").json
    reply = get(bench, f"/return/{answer['payment_id']}/?status=success&trx_ref=forged")
    assert reply.status_code == 303
    assert reply.location == f"http://localhost:3000/thanks?cart=1&payment_id={answer['payment_id']}"
    bench.drain()
    assert gateway.fetched == [answer["tx_ref"]]
    assert bench.payment().status == "pending" and shop.heard == [], "forged parameters have no effect"


def test_without_a_shop_page_the_return_page_tells_the_status(bench):
    answer = bench.opened()
    reply = get(bench, f"/return/{answer['payment_id']}/")
    assert reply.json == {"payment_id": answer["payment_id"], "status": "pending"}


BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("status", "says", "looks_again"),
    [
        ("pending", "is being checked", True),
        ("unknown", "is being checked", True),
        ("needs_review", "is being checked", False),
        ("canceled", "was not completed", False),
        ("failed", "was not completed", False),
        ("expired", "was not completed", False),
    ],
)
def test_a_browser_without_a_shop_page_gets_a_page(bench, status, says, looks_again):
    answer = bench.opened()
    bench.change(status=status)
    reply = get(bench, f"/return/{answer['payment_id']}/", BROWSER)
    assert reply.status_code == 200 and reply.content_type == "text/html; charset=utf-8"
    assert says in reply.text and ('http-equiv="refresh"' in reply.text) == looks_again


def test_the_page_thanks_for_money_that_arrived(bench, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    get(bench, f"/return/{answer['payment_id']}/", BROWSER)
    bench.drain()
    assert "your payment arrived" in get(bench, f"/return/{answer['payment_id']}/", BROWSER).text


def test_the_page_runs_nothing_loads_nothing_and_names_nobody(bench):
    answer = bench.opened()
    reply = get(bench, f"/return/{answer['payment_id']}/", BROWSER)
    policy = reply.headers["Content-Security-Policy"]
    style = reply.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"style-src 'sha256-{digest}'" in policy
    assert "script" not in reply.text and "http:" not in reply.text and "https:" not in reply.text
    for personal in ("N-1001", "abebe", "250.00", answer["tx_ref"]):
        assert personal not in reply.text
    assert reply.headers["Cache-Control"] == "no-store" and reply.headers["Vary"] == "Accept"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html;q=0.5"])
def test_a_program_gets_json_from_the_return_page(bench, accept):
    answer = bench.opened()
    reply = get(bench, f"/return/{answer['payment_id']}/", {"Accept": accept})
    assert reply.json == {"payment_id": answer["payment_id"], "status": "pending"}


def test_a_return_to_a_payment_that_is_not_there_is_not_found(bench):
    assert get(bench, f"/return/{new_id()}/").status_code == 404
    assert get(bench, "/return/17/").status_code == 404


def test_a_return_finds_its_way_when_the_message_is_lost(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    get(bench, f"/return/{answer['payment_id']}/")
    bench.sweep()
    assert bench.payment().status == "succeeded"


def test_a_checkout_sees_the_ways_to_pay_without_a_query(bench):
    with bench.app.app_context(), transaction(), count_queries(bench.app) as queries:
        methods = services.get(PaymentService).methods()
    assert methods["scripted"].display_name == "Scripted" and len(queries) == 0


def test_leftover_verbs_are_closed(bench):
    path = f"/api/payments/{bench.opened()['payment_id']}/"
    client = bench.app.test_client()
    for method in ("put", "patch", "delete", "post"):
        assert getattr(client, method)(path, headers=auth_headers(bench.app, "admin")).status_code == 405


def test_the_command_line_shows_providers_problems_and_webhook_addresses(bench, gateway):
    def run(*args):
        with bench.app.app_context():
            return CliRunner().invoke(group, args)

    listed = run("providers")
    assert "scripted  Scripted  test  currencies: ETB, USD" in listed.output
    checked = run("check")
    assert checked.exit_code == 0
    assert "http://127.0.0.1:8000/api/payments/webhook/scripted/" in checked.output
    gateway.problems = [Problem(setting="NEXUS_SCRIPTED__KEY", message="is not set")]
    checked = run("check", "--provider", "scripted")
    assert checked.exit_code == 1 and "NEXUS_SCRIPTED__KEY is not set" in checked.output
    assert run("check", "--provider", "nobody").exit_code == 1


def test_the_command_line_reconciles(bench, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    bench.notify(answer["tx_ref"])
    bench.lose_messages()
    with bench.app.app_context():
        result = CliRunner().invoke(group, ["reconcile"])
    assert "1 webhook(s) processed" in result.output and bench.payment().status == "succeeded"


def test_a_configuration_problem_is_seen_by_readyz_and_takes_nothing_out_of_service(bench, gateway):
    gateway.problems = [Problem(setting="NEXUS_SCRIPTED__KEY", message="is not set")]
    ready = bench.app.test_client().get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "degraded")
    assert "NEXUS_SCRIPTED__KEY is not set" in ready.json["checks"]["payments.configuration"]


def production(nexus_engines, nexus_plugins, **kernel):
    settings = {"environment": "production", "public_url": "https://shop.example", **kernel}
    return make_app(nexus_engines, "postgresql://localhost/none", nexus_plugins, {"kernel": settings})


def test_production_starts_with_live_keys_and_https(nexus_engines, nexus_plugins, gateway):
    gateway.test_mode = False
    assert production(nexus_engines, nexus_plugins)


@pytest.mark.parametrize(
    ("test_mode", "problems", "url", "message"),
    [
        (True, [], "https://shop.example", "test keys in production"),
        (False, [], "http://shop.example", "NEXUS_KERNEL__PUBLIC_URL must begin with https"),
        (
            False,
            [Problem(setting="THE_KEY", message="is not set")],
            "https://shop.example",
            "THE_KEY is not set",
        ),
    ],
)
def test_production_is_refused(nexus_engines, nexus_plugins, gateway, test_mode, problems, url, message):
    gateway.test_mode, gateway.problems = test_mode, problems
    with pytest.raises(StartupError, match=message):
        production(nexus_engines, nexus_plugins, public_url=url)


def test_in_production_buyers_return_to_https_addresses_of_the_shop_only(
    nexus_engines, nexus_plugins, gateway
):
    from nexus_payments.services.urls import check_return_url

    from nexus_kernel import Invalid

    gateway.test_mode = False
    with production(nexus_engines, nexus_plugins).app_context():
        assert check_return_url("https://shop.example/thanks")
        for url in ("http://shop.example/", "http://localhost:3000/", "https://other.example/"):
            with pytest.raises(Invalid):
                check_return_url(url)


def test_a_default_provider_that_is_not_installed_is_refused(nexus_engines, nexus_plugins, database_url):
    with pytest.raises(StartupError, match="DEFAULT_PROVIDER names nobody"):
        make_app(nexus_engines, database_url, nexus_plugins, {"payments": {"default_provider": "nobody"}})
