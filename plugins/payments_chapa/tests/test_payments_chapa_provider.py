"""The translator by itself: signatures, shapes, and what counts as what."""

import hashlib
import hmac
import json
from contextlib import contextmanager
from threading import Thread
from urllib.parse import parse_qs
from uuid import uuid4

import pytest
from nexus_payments_chapa.config import ChapaConfig
from nexus_payments_chapa.fields import clean_text, customer_fields
from nexus_payments_chapa.plugin import nexus_dev_services
from nexus_payments_chapa.provider import ChapaProvider
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from nexus_kernel import Money
from nexus_kernel.contracts.payments import (
    Capability,
    Customer,
    FailureCode,
    PaymentContext,
    PaymentUrls,
    Status,
    WebhookAuthError,
    WebhookMalformed,
)
from nexus_kernel.providers import GatewayUnclear

HASH, KEY = "dashboard-hash", "CHASECK_TEST-key"
CHARGE = {
    "event": "charge.success",
    "first_name": "አበበ",
    "amount": "400.00",
    "status": "success",
    "reference": "APabc",
    "tx_ref": "OURREFERENCE00000001",
    "meta": {"link": "https://shop.example/x"},
}


def provider(**changes):
    return ChapaProvider(ChapaConfig(**{"secret_key": KEY, "webhook_secrets": (HASH,), **changes}))


def sign(body, secret=HASH):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def php(value):
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def js(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def context(**changes):
    urls = PaymentUrls(return_url="https://shop.example/r/", notify_url="https://shop.example/n/")
    return PaymentContext(
        payment_id=uuid4(),
        reference="OURREFERENCE00000001",
        idempotency_key="k",
        description="Order 1",
        customer=Customer(email="a@example.com"),
        urls=urls,
        timeout=2.0,
        **changes,
    )


@contextmanager
def answering(status, body, headers=None):
    """A gateway that always answers this; yields its address and the requests that it got."""
    seen = []

    @Request.application
    def app(request):
        seen.append((request.method, request.path, request.get_data()))
        return Response(body, status=status, headers=headers)

    server = make_server("127.0.0.1", 0, app)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("name", ["x-chapa-signature", "chapa-signature"])
@pytest.mark.parametrize("write", [php, js, lambda value: json.dumps(value).encode()])
def test_an_hmac_of_the_raw_body_is_believed_under_either_name(name, write):
    body = write(CHARGE)
    (event,) = provider().parse_webhook(body, {name: sign(body)})
    assert (event.reference, event.kind, event.provider_ref) == (
        "OURREFERENCE00000001",
        "charge.success",
        "APabc",
    )
    assert event.dedupe_key == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("signed", [php, js])
def test_an_hmac_over_the_body_written_anew_is_believed(signed):
    body = json.dumps(CHARGE, indent=2).encode()
    assert provider().parse_webhook(body, {"x-chapa-signature": sign(signed(CHARGE))})


def test_signatures_may_be_in_capitals_and_secrets_several():
    body = php(CHARGE)
    rotating = provider(webhook_secrets=("new", "old"))
    for secret in ("new", "old", KEY):
        assert rotating.parse_webhook(body, {"x-chapa-signature": sign(body, secret).upper()})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-chapa-signature": ""},
        {"x-chapa-signature": "é" * 64},
        {"x-chapa-signature": "0" * 64},
        {"x-chapa-signature": sign(php(CHARGE))[:-1]},
        {"x-chapa-signature": sign(php(CHARGE)) + "00"},
        {"x-chapa-signature": sign(php(CHARGE), "another")},
        {"x-chapa-signature": sign(HASH.encode())},
        {"chapa-signature": sign(HASH.encode())},
        {"chapa-signature": sign(KEY.encode(), KEY)},
        {"authorization": "Basic dXNlcjpwYXNz"},
    ],
)
def test_anything_else_is_refused(headers):
    with pytest.raises(WebhookAuthError):
        provider().parse_webhook(php(CHARGE), headers)


def test_one_flipped_byte_is_refused():
    body = php(CHARGE)
    with pytest.raises(WebhookAuthError):
        provider().parse_webhook(body.replace(b"400.00", b"400.01"), {"x-chapa-signature": sign(body)})


def test_without_any_secret_nothing_is_believed():
    body = php(CHARGE)
    with pytest.raises(WebhookAuthError):
        provider(secret_key="", webhook_secrets=("",)).parse_webhook(
            body, {"x-chapa-signature": sign(body, "")}
        )


@pytest.mark.parametrize(
    "body", [b"[1]", b'"x"', b"", b"x", b"\xff\xfe", b'{"a": NaN}', b"[" * 200_000, b"null", b"9" * 5000]
)
def test_an_authentic_body_that_is_no_object_is_malformed(body):
    with pytest.raises(WebhookMalformed):
        provider().parse_webhook(body, {"x-chapa-signature": sign(body)})


@pytest.mark.parametrize("kind", ["cli.test", "ping"])
def test_chapas_own_tests_have_no_effect(kind):
    body = php({"event": kind, "message": "hello"})
    assert list(provider().parse_webhook(body, {"x-chapa-signature": sign(body)})) == []


@pytest.mark.parametrize(
    "payload",
    [
        {"event": "charge.success", "data": {"tx_ref": "REF1"}},
        {"event": "charge.failed/cancelled", "trx_ref": "REF1"},
        {"event": "subscription.create", "tx_ref": "REF1"},
        {"tx_ref": "REF1"},
    ],
)
def test_older_and_unknown_shapes_still_name_their_payment(payload):
    body = php(payload)
    (event,) = provider().parse_webhook(body, {"x-chapa-signature": sign(body)})
    assert event.reference == "REF1"


@pytest.mark.parametrize("payload", [{"event": "charge.success"}, {"event": 5, "tx_ref": 7}, {"data": [1]}])
def test_a_webhook_without_a_reference_is_still_an_event(payload):
    body = php(payload)
    (event,) = provider().parse_webhook(body, {"x-chapa-signature": sign(body)})
    assert event.reference is None


@pytest.mark.parametrize(
    ("code", "body", "status", "known"),
    [
        (
            404,
            {"message": "Payment not paid yet", "status": None, "data": None},
            Status.ACTION_REQUIRED,
            True,
        ),
        (404, {"message": "Invalid transaction or Transaction not found"}, Status.UNKNOWN, False),
        (404, {"message": "No such route"}, Status.UNKNOWN, True),
        (429, {"message": "Too many requests"}, Status.UNKNOWN, True),
        (200, {"message": "Payment details", "data": None}, Status.UNKNOWN, True),
        (200, {"data": {"status": "success"}}, Status.SUCCEEDED, True),
        (200, {"data": {"status": "SUCCESS"}}, Status.SUCCEEDED, True),
        (200, {"data": {"status": "pending"}}, Status.PENDING, True),
        (200, {"data": {"status": "failed"}}, Status.DECLINED, True),
        (200, {"data": {"status": "failed/cancelled"}}, Status.DECLINED, True),
        (200, {"data": {"status": "cancelled"}}, Status.CANCELED, True),
        (200, {"data": {"status": "refunded"}}, Status.UNKNOWN, True),
        (200, {"data": {"status": ["success"]}}, Status.UNKNOWN, True),
    ],
)
def test_verify_is_read_by_status_code_and_message_together(code, body, status, known):
    with answering(code, json.dumps(body)) as (url, seen):
        snapshot = provider(base_url=url).fetch(context())
    assert (snapshot.status, snapshot.known) == (status, known)
    assert seen[0][:2] == ("GET", "/transaction/verify/OURREFERENCE00000001")


@pytest.mark.parametrize(
    "message", ["Invalid API Key", "Live secret keys can't be used to verify a test transaction"]
)
def test_a_401_of_verify_is_a_matter_of_configuration(message):
    with answering(401, json.dumps({"message": message})) as (url, _):
        snapshot = provider(base_url=url).fetch(context())
    assert snapshot.status is Status.UNKNOWN and snapshot.failure.code is FailureCode.CONFIGURATION


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100", Money(10000, "ETB")),
        ('"100.10"', Money(10010, "ETB")),
        ("0.29", Money(29, "ETB")),
        ("1e2", Money(10000, "ETB")),
        ("100.001", None),
        ('"many"', None),
        ("true", None),
        ("null", None),
        ("1e999999", None),
    ],
)
def test_amounts_are_decimals_of_the_text_and_never_floats(text, expected):
    body = f'{{"data": {{"status": "success", "currency": "etb", "mode": "test", "amount": {text}}}}}'
    with answering(200, body) as (url, _):
        snapshot = provider(base_url=url).fetch(context())
    assert snapshot.captured == expected and snapshot.test_mode is True


@pytest.mark.parametrize(
    ("code", "message", "failure"),
    [
        (400, "Transaction reference has been used before", FailureCode.DUPLICATE_REFERENCE),
        (400, {"email": ["validation.email"]}, FailureCode.INVALID_REQUEST),
        (400, "Invalid currency, KES is not supported", FailureCode.INVALID_REQUEST),
        (400, "Incorrect header settings", FailureCode.CONFIGURATION),
        (400, "User can't receive payments", FailureCode.CONFIGURATION),
        (400, "subaccount id not associated", FailureCode.CONFIGURATION),
        (400, "Merchant fee is greater than split flat amount.", FailureCode.CONFIGURATION),
        (404, "Payments through API is disabled, please contact us", FailureCode.CONFIGURATION),
        (401, "Authorization required", FailureCode.CONFIGURATION),
        (429, "Too many requests", FailureCode.UNAVAILABLE),
    ],
)
def test_each_refusal_of_initialize_has_a_neutral_code(code, message, failure):
    with answering(code, json.dumps({"message": message, "status": "failed", "data": None})) as (url, _):
        result = provider(base_url=url).initiate(context(), Money(100, "ETB"))
    assert result.status is Status.DECLINED and result.failure.code is failure


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"amount": ["validation.max.numeric"]}, "Chapa does not take this amount."),
        ({"email": ["validation.email"], "amount": "x"}, "Chapa does not take this amount, e-mail address."),
        ({"validation.secret": ["x"]}, "Chapa does not take this payment."),
        ("Invalid currency, KES is not supported", "Chapa does not take this payment."),
    ],
)
def test_a_buyer_never_reads_chapas_own_words(message, said):
    with answering(400, json.dumps({"message": message, "status": "failed", "data": None})) as (url, _):
        result = provider(base_url=url).initiate(context(), Money(100, "ETB"))
    assert result.failure.safe_message == said and result.raw["message"] == message


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (500, "<html>500</html>"),
        (502, '{"message": "Bad gateway"}'),
        (200, ""),
        (200, "[1]"),
        (200, '{"status": "failed", "data": null}'),
        (200, '{"status": "success", "data": {}}'),
        (302, "{}"),
        (403, "<html>blocked</html>"),
        (200, '{"status": "success", "data": {"checkout_url": "https://evil.example/pay"}}'),
        (200, '{"status": "success", "data": {"checkout_url": "http://checkout.chapa.co/pay"}}'),
        (200, '{"status": "success", "data": {"checkout_url": "https://checkout.chapa.co@evil.example/"}}'),
        (200, '{"status": "success", "data": {"checkout_url": "javascript:alert(1)"}}'),
        (200, '{"status": "success", "data": {"checkout_url": 5}}'),
        (200, '{"x": "' + "a" * 1_100_000 + '"}'),
    ],
)
def test_an_unclear_answer_to_initialize_raises(code, body):
    with answering(code, body) as (url, _), pytest.raises(Exception, match=r".+"):
        provider(base_url=url).initiate(context(), Money(100, "ETB"))


def test_redirects_are_not_followed():
    with (
        answering(200, "{}") as (target, followed),
        answering(302, "{}", {"Location": target}) as (url, _),
        pytest.raises(Exception, match="302"),
    ):
        provider(base_url=url).initiate(context(), Money(100, "ETB"))
    assert followed == []


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with answering(404, json.dumps({"message": "Payment not paid yet"})) as (url, _):
        assert provider(base_url=url).fetch(context()).status is Status.ACTION_REQUIRED


@pytest.mark.parametrize(
    ("code", "message", "status"),
    [
        (200, "Checkout link expired successfully", Status.CANCELED),
        (400, "Payment link already expired", Status.DECLINED),
        (404, "Invalid transaction or Transaction not found", Status.DECLINED),
        (401, "Invalid API Key", Status.UNKNOWN),
        (500, "?", Status.UNKNOWN),
    ],
)
def test_cancelling_says_whether_anything_is_left(code, message, status):
    body = {"message": message, "status": "success" if code == 200 else "failed"}
    with answering(code, json.dumps(body)) as (url, seen):
        assert provider(base_url=url).cancel(context()).status is status
    assert seen[0][:2] == ("PUT", "/transaction/cancel/OURREFERENCE00000001")


STARTED = {
    "message": "Refund initiated successfully. Processing time: 1-3 business days",
    "status": "success",
    "data": {"ref": "MERC-DIS-REF-1", "amount": "12.50", "currency": "ETB", "status": "Refund Initiated"},
}


def refunding(**changes):
    return context(provider_ref="APabc", refund_reference="OURREFUND00000000001", **changes)


def give_back(code, body, ctx=None):
    with answering(code, json.dumps(body)) as (url, seen):
        result = provider(base_url=url).refund(ctx or refunding(), Money(1250, "ETB"), reason="Too\nlarge")
    return result, seen


def test_a_refund_is_a_form_to_chapas_reference_with_ours_and_a_reason():
    result, ((method, path, body),) = give_back(200, STARTED)
    assert (method, path) == ("POST", "/refund/APabc")
    assert parse_qs(body.decode()) == {
        "amount": ["12.50"],
        "reason": ["Too large"],
        "reference": ["OURREFUND00000000001"],
    }
    assert (result.status, result.provider_ref) == (Status.PENDING, "MERC-DIS-REF-1")


def test_newer_documentation_calls_it_ref_id_and_it_may_be_missing():
    named = {**STARTED, "data": {"ref_id": "MERC-DIS-REF-2"}}
    assert give_back(200, named)[0].provider_ref == "MERC-DIS-REF-2"
    unnamed, _ = give_back(200, {**STARTED, "data": {}})
    assert (unnamed.status, unnamed.provider_ref) == (Status.PENDING, None)


def test_what_chapa_does_not_know_by_its_reference_is_named_by_ours():
    unknown = {"message": "Invalid transaction or Transaction not found", "status": "failed", "data": None}
    result, seen = give_back(404, unknown)
    assert [path for _, path, _ in seen] == ["/refund/APabc", "/refund/OURREFERENCE00000001"]
    assert result.failure.code is FailureCode.INVALID_REQUEST
    without = context(refund_reference="OURREFUND00000000001")
    assert [path for _, path, _ in give_back(404, unknown, without)[1]] == ["/refund/OURREFERENCE00000001"]


@pytest.mark.parametrize(
    ("code", "message", "failure", "retryable"),
    [
        (400, "Refunds can only be processed in live mode", FailureCode.CONFIGURATION, False),
        (
            400,
            "Refund amount cannot exceed the full transaction amount or be less than 0",
            FailureCode.INVALID_REQUEST,
            False,
        ),
        (400, "Insufficient Balance", FailureCode.CONFIGURATION, False),
        (400, "Partial refund is not supported", FailureCode.CONFIGURATION, False),
        (400, "Refund reference has been used before", FailureCode.DUPLICATE_REFERENCE, False),
        (400, {"amount": ["validation.numeric"]}, FailureCode.INVALID_REQUEST, False),
        (401, "Invalid API Key or User doesn't exist", FailureCode.CONFIGURATION, False),
        (429, "Too many requests", FailureCode.UNAVAILABLE, True),
    ],
)
def test_each_refusal_of_a_refund_has_a_neutral_code(code, message, failure, retryable):
    result, _ = give_back(code, {"message": message, "status": "failed", "data": None})
    assert (result.status, result.failure.code) == (Status.DECLINED, failure)
    assert result.failure.retryable is retryable and str(message) not in result.failure.safe_message


@pytest.mark.parametrize(
    ("code", "body"),
    [(500, STARTED), (302, STARTED), (200, {**STARTED, "status": "failed"}), (200, {**STARTED, "data": "x"})],
)
def test_an_unclear_answer_to_a_refund_raises(code, body):
    with pytest.raises(GatewayUnclear):
        give_back(code, body)


def stands(code, body, **names):
    with answering(code, json.dumps(body)) as (url, seen):
        return provider(base_url=url).fetch_refund(refunding(**names)), seen[0][1]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("initiated", Status.PENDING),
        ("Refund Initiated", Status.PENDING),
        ("processing", Status.PENDING),
        ("refunded", Status.SUCCEEDED),
        ("success", Status.SUCCEEDED),
        ("reversed", Status.CANCELED),
        ("failed", Status.DECLINED),
        ("surprising", Status.UNKNOWN),
        (None, Status.UNKNOWN),
    ],
)
def test_how_a_refund_stands_is_read_from_its_own_status(said, status):
    data = {
        "amount": "12.50",
        "currency": "ETB",
        "ref_id": "M-1",
        "merchant_reference": "OURS",
        "status": said,
    }
    body = {"message": "Refund verified successfully", "status": "success", "data": data}
    snapshot, path = stands(200, body, refund_provider_ref="M-1")
    assert path == "/refund/M-1/verify"
    assert (snapshot.status, snapshot.amount, snapshot.reference) == (status, Money(1250, "ETB"), "OURS")


def test_a_refund_whose_name_is_not_known_is_asked_for_by_ours():
    nothing = {"message": "Refund not found", "status": "failed", "data": None}
    snapshot, path = stands(404, nothing)
    assert path == "/refund/OURREFUND00000000001/verify"
    assert (snapshot.status, snapshot.known) == (Status.UNKNOWN, False)


@pytest.mark.parametrize(
    ("code", "message", "names"),
    [
        (404, "Refund not found", {"refund_provider_ref": "M-1"}),
        (404, "Payments through API is disabled, please contact us", {}),
        (401, "Authorization required", {}),
        (500, "Refund not found", {}),
    ],
)
def test_no_other_answer_says_that_chapa_never_heard_of_a_refund(code, message, names):
    snapshot, _ = stands(code, {"message": message, "status": "failed", "data": None}, **names)
    assert (snapshot.status, snapshot.known) == (Status.UNKNOWN, True)


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        (
            {"event": "charge.refunded", "tx_ref": "OURS", "reference": "APabc"},
            ("OURS", "APabc", None, None),
        ),
        ({"event": "charge.reversed", "tx_ref": "OURS"}, ("OURS", None, None, None)),
        (
            {
                "event": "refund.success",
                "merchant_reference": "R",
                "ref_id": "M-1",
                "chapa_reference": "APabc",
            },
            (None, "APabc", "R", "M-1"),
        ),
        ({"event": "refund.failed", "reference": "R", "ref": "M-1"}, (None, None, "R", "M-1")),
    ],
)
def test_webhooks_of_refunds_name_what_they_can(payload, names):
    body = php(payload)
    (event,) = provider().parse_webhook(body, {"x-chapa-signature": sign(body)})
    found = (event.reference, event.provider_ref, event.refund_reference, event.refund_provider_ref)
    assert event.about_refund and found == names


def test_what_an_account_can_is_a_matter_of_its_settings():
    able = provider().info.capabilities
    assert {Capability.REFUND, Capability.PARTIAL_REFUND, Capability.NATIVE_IDEMPOTENCY} <= able
    unable = provider(partial_refunds=False, unique_refund_references=False).info.capabilities
    assert able - unable == {Capability.PARTIAL_REFUND, Capability.NATIVE_IDEMPOTENCY}


def test_amount_currency_and_reference_are_always_sent():
    answer = {"status": "success", "data": {"checkout_url": "https://checkout.chapa.co/checkout/payment/x"}}
    with answering(200, json.dumps(answer)) as (url, seen):
        result = provider(base_url=url).initiate(context(), Money(1999, "USD"))
    body = json.loads(seen[0][2])
    assert (body["amount"], body["currency"], body["tx_ref"]) == ("19.99", "USD", "OURREFERENCE00000001")
    assert result.next_action.url == "https://checkout.chapa.co/checkout/payment/x"


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("Order N-1", 16, "Order N-1"),
        ("Order <b>№ 7</b>! & more of it", 16, "Order b 7 b more"),
        ("ትዕዛዝ ፩", 16, "ትዕዛዝ ፩"),
        ("Order NX-6A8Q-8P9S", 16, "Order"),
        ("Order NX-6A8Q-8P", 16, "Order NX-6A8Q-8P"),
        ("x" * 300, 50, "x" * 50),
        ("!!!", 16, ""),
    ],
)
def test_titles_are_cleaned_and_cut_between_words_so_that_no_number_is_shown_in_part(text, length, expected):
    assert clean_text(text, length) == expected


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("0912345678", "0912345678"),
        ("+251 912 345 678", "0912345678"),
        ("251712345678", "0712345678"),
        ("0812345678", None),
        ("12", None),
        ("", None),
    ],
)
def test_a_phone_that_chapa_would_refuse_is_left_out(phone, expected):
    assert customer_fields(Customer(phone=phone)).get("phone_number") == expected


@pytest.mark.parametrize(
    ("email", "kept"),
    [
        ("a.b+c@shop.example.com", True),
        ("a@b.test", False),
        ("a@localhost", False),
        ("a..b@example.com", False),
        ("አበበ@example.com", False),
        ("a@" + "b" * 300 + ".com", False),
        ("", False),
    ],
)
def test_an_address_that_chapa_would_refuse_is_left_out(email, kept):
    assert ("email" in customer_fields(Customer(email=email))) is kept


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"secret_key": ""}, "SECRET_KEY"),
        ({"secret_key": "CHAPA_LIVE_x"}, "SECRET_KEY"),
        ({"webhook_secrets": ()}, "WEBHOOK_SECRETS"),
        ({"base_url": "http://api.chapa.co/v1"}, "BASE_URL"),
        ({"secret_key": "CHASECK-live", "base_url": "http://127.0.0.1:1/v1"}, "BASE_URL"),
    ],
)
def test_a_wrong_setting_is_named(changes, setting):
    (problem,) = provider(**changes).check_config()
    assert problem.setting == f"NEXUS_PAYMENTS_CHAPA__{setting}"


def test_the_keys_prefix_decides_between_test_and_live():
    assert provider().test_mode and list(provider().check_config()) == []
    assert not provider(secret_key="CHASECK-live").test_mode


def test_no_secret_is_shown():
    assert KEY not in repr(ChapaConfig(secret_key=KEY)) + repr(provider())


def test_names_addresses_and_phones_are_redacted_at_any_depth():
    said = {"data": {"email": "a@b.c", "first_name": "A", "mobile": "2519", "amount": 5, "tx_ref": "R"}}
    kept = provider().redact(said)
    assert kept["data"]["amount"] == 5 and kept["data"]["tx_ref"] == "R"
    assert {kept["data"][name] for name in ("email", "first_name", "mobile")} == {"[redacted]"}


def test_the_simulator_is_asked_for_with_settings_that_fit():
    (service,) = nexus_dev_services()
    assert service.module == "nexus_chapa_sim"
    assert service.settings["NEXUS_PAYMENTS_CHAPA__SECRET_KEY"] in service.arguments
    assert {name.removeprefix("NEXUS_PAYMENTS_CHAPA__").lower() for name in service.settings} <= set(
        ChapaConfig.__dataclass_fields__
    )
