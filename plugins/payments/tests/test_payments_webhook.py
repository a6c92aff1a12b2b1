"""The webhook door: verified, stored once, answered at once; a worker asks the gateway."""

import json

import pytest
from nexus_payments.models import ProviderEvent

from nexus_kernel.contracts.payments import Snapshot, Status
from nexus_kernel.testing import count_queries, in_threads


def unclear(ctx):
    return Snapshot(status=Status.UNKNOWN)


def test_a_webhook_is_stored_and_answered_without_asking_the_gateway(bench, gateway):
    answer = bench.opened()
    reply = bench.notify(answer["tx_ref"])
    assert (reply.status_code, reply.data, gateway.fetched) == (200, b"", [])
    (event,) = bench.events()
    assert (event.status, event.reference, event.provider) == ("received", answer["tx_ref"], "scripted")
    assert json.loads(event.body) == {"ref": answer["tx_ref"]}


def test_the_door_takes_one_statement_in_one_transaction(bench):
    answer = bench.opened()
    with count_queries(bench.app) as queries:
        bench.notify(answer["tx_ref"])
    assert [q.split()[0] for q in queries.statements] == ["BEGIN", "INSERT", "COMMIT"], str(queries)


def test_the_default_providers_webhook_has_a_path_of_its_own(bench, gateway):
    answer = bench.opened()
    body = json.dumps({"ref": answer["tx_ref"]}).encode()
    assert bench.webhook(body, path="").status_code == 200
    assert [event.provider for event in bench.events()] == ["scripted"]


def test_a_paid_webhook_settles_the_payment(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    bench.notify(answer["tx_ref"])
    bench.drain()
    assert bench.payment().status == "succeeded" and bench.events()[0].status == "processed"
    (event,) = shop.heard
    assert (event.name, event.reference) == ("payments.succeeded", answer["tx_ref"])
    assert event.amount == bench.payment().amount


def test_a_webhook_alone_pays_nothing(bench, shop, gateway):
    answer = bench.opened()
    bench.notify(answer["tx_ref"], status="success", amount="250.00")
    bench.drain()
    assert bench.payment().status == "pending" and shop.heard == []


def test_copies_of_a_webhook_are_answered_and_change_nothing(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    replies = in_threads([lambda: bench.notify(answer["tx_ref"])] * 20)
    assert {reply.status_code for reply in replies} == {200}
    assert len(bench.events()) == 1
    bench.drain()
    assert bench.notify(answer["tx_ref"]).status_code == 200
    bench.drain()
    assert len(shop.heard) == 1


@pytest.mark.parametrize("signature", ["", "0" * 64, "é" * 32, "short"])
def test_a_wrong_signature_is_refused_and_nothing_is_stored(bench, signature):
    answer = bench.opened()
    body = json.dumps({"ref": answer["tx_ref"]}).encode()
    reply = bench.app.test_client().post(
        "/api/payments/webhook/scripted/", data=body, headers={"X-Signature": signature}
    )
    assert (reply.status_code, reply.json["code"]) == (401, "payments.webhook_unauthorized")
    assert bench.events() == []


@pytest.mark.parametrize(
    "body", [b"[1]", b'"x"', b"", b"nonsense", b"\xff\xfe", b'{"ref": NaN', b"1e999", b"[" * 100_000, b"null"]
)
def test_an_authentic_body_that_cannot_be_read_is_a_400(bench, body):
    reply = bench.webhook(body)
    assert reply.status_code == 400 and reply.content_type == "application/problem+json"
    assert bench.events() == []


@pytest.mark.parametrize("reference", [5, ["a"], {"a": 1}, None])
def test_a_reference_of_another_type_is_no_server_error(bench, reference):
    assert bench.webhook(json.dumps({"ref": reference}).encode()).status_code in (200, 400)


@pytest.mark.parametrize("reference", ["nul\x00", "\ud800", "a" * 5000, "ሰላም", ""])
def test_a_strange_reference_is_kept_as_an_orphan(bench, reference):
    assert bench.webhook(json.dumps({"ref": reference}).encode()).status_code == 200
    bench.drain()
    assert [event.status for event in bench.events()] == ["orphan"]


def test_a_body_over_256_kb_is_refused(bench):
    reply = bench.webhook(b"x" * (256 * 1024 + 1))
    assert reply.status_code == 413 and bench.events() == []


def test_a_provider_that_is_not_installed_is_not_found(bench):
    reply = bench.webhook(b"{}", path="nobody/")
    assert (reply.status_code, reply.json["code"]) == (404, "payments.unknown_provider")
    assert bench.app.test_client().get("/api/payments/webhook/nobody/").status_code == 404


def test_a_provider_that_breaks_over_a_webhook_is_a_400(bench, gateway, monkeypatch):
    def broken(*args):
        raise ZeroDivisionError

    monkeypatch.setattr(gateway, "parse_webhook", broken, raising=False)
    assert bench.webhook(b"{}").status_code == 400


@pytest.mark.parametrize("path", ["", "scripted/"])
def test_get_and_head_on_the_webhook_address_answer_200(bench, path):
    client = bench.app.test_client()
    assert client.get(f"/api/payments/webhook/{path}").status_code == 200
    assert client.head(f"/api/payments/webhook/{path}").status_code == 200


def test_a_callback_is_a_hint_to_ask_and_its_status_means_nothing(bench, shop, gateway):
    answer = bench.opened()
    url = f"/api/payments/webhook/scripted/?ref={answer['tx_ref']}&status=success"
    bench.app.test_client().get(url)
    bench.drain()
    assert gateway.fetched == [answer["tx_ref"]]
    assert bench.payment().status == "pending" and shop.heard == []


def test_a_callback_may_carry_its_parameters_as_json(bench, gateway):
    answer = bench.opened()
    bench.app.test_client().get("/api/payments/webhook/scripted/", json={"ref": answer["tx_ref"]})
    bench.drain()
    assert gateway.fetched == [answer["tx_ref"]]


@pytest.mark.parametrize("query", ["ref=UNKNOWN", "ref=%00", "ref=%FF", "ref=a%27--", "ref=" + "A" * 9000])
def test_a_callback_about_nothing_we_know_does_nothing(bench, gateway, query):
    bench.opened()
    assert bench.app.test_client().get(f"/api/payments/webhook/scripted/?{query}").status_code == 200
    bench.drain()
    assert gateway.fetched == []


def test_a_storm_of_callbacks_asks_the_gateway_once(bench, gateway):
    answer = bench.opened()
    for _ in range(30):
        bench.app.test_client().get(f"/api/payments/webhook/scripted/?ref={answer['tx_ref']}")
        bench.drain()
    assert len(gateway.fetched) == 1


def test_an_unknown_reference_is_kept_as_an_orphan_and_looked_at_again(bench):
    assert bench.notify("SOMEBODYELSES0000001").status_code == 200
    bench.drain()
    (event,) = bench.events()
    assert event.status == "orphan" and event.available_at is not None


def test_the_sweep_does_the_work_when_every_message_was_lost(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    bench.notify(answer["tx_ref"])
    bench.sweep()
    assert bench.payment().status == "succeeded" and len(shop.heard) == 1


def test_a_worker_that_died_over_an_event_leaves_it_to_another(bench, shop, gateway):
    from nexus_payments.services import inbox
    from nexus_payments.services.claims import claim_due

    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    bench.notify(answer["tx_ref"])
    with bench.app.app_context():
        claimed = claim_due(ProviderEvent, "available_at", set(), inbox.LEASE)
        assert claimed is not None, "claimed, and then the process dies"
    bench.sweep()
    assert bench.payment().status == "pending"
    bench.pass_time(2)
    bench.sweep()
    assert bench.payment().status == "succeeded"


def test_a_gateway_that_is_down_leaves_the_event_for_later(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    gateway.on_fetch = unclear
    bench.notify(answer["tx_ref"])
    bench.drain()
    (event,) = bench.events()
    assert (event.status, event.attempts) == ("received", 1) and event.available_at is not None
    gateway.on_fetch = gateway.tell
    bench.pass_time(5)
    bench.sweep()
    assert bench.events()[0].status == "processed" and bench.payment().status == "succeeded"


def test_a_gateway_that_is_down_is_not_asked_for_every_webhook_of_a_run(bench, gateway):
    gateway.on_fetch = unclear
    for _ in range(5):
        bench.notify(bench.opened()["tx_ref"])
    bench.sweep()
    assert len(gateway.fetched) == 1


def test_workers_side_by_side_settle_once(bench, shop, gateway):
    answer = bench.opened()
    gateway.pay(answer["tx_ref"])
    for number in range(8):
        bench.notify(answer["tx_ref"], copy=number)

    def sweep():
        from nexus_payments.tasks import sweep_checks, sweep_events

        with bench.app.app_context():
            sweep_events.function()
            sweep_checks.function()

    in_threads([sweep] * 8)
    bench.drain()
    assert len(shop.heard) == 1 and {event.status for event in bench.events()} == {"processed"}


def test_signatures_are_not_kept(bench):
    answer = bench.opened()
    body = json.dumps({"ref": answer["tx_ref"]}).encode()
    bench.webhook(body)
    assert bench.sign(body) not in str(bench.events()[0].headers)


def test_bodies_are_forgotten_after_their_time_and_copies_stay_known(bench):
    from nexus_payments.tasks import prune

    answer = bench.opened()
    bench.notify(answer["tx_ref"])
    bench.pass_time(60 * 24 * 91)
    with bench.app.app_context():
        prune.function()
    assert bench.events()[0].body is None
    bench.notify(answer["tx_ref"])
    assert len(bench.events()) == 1
