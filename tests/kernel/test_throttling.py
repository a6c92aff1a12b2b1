"""Rate limits: shared by all processes, blind to what the keys stand for, never a failure of their own."""

import logging
import signal
import threading
from dataclasses import dataclass
from time import monotonic

import pytest

from nexus_kernel import Blueprint, Manifest, StartupError, Throttled, hookimpl, setting, throttle
from nexus_kernel.embedded import EmbeddedValkey
from nexus_kernel.testing import in_threads
from nexus_kernel.throttling import LOCAL_KEYS, Throttle, check_rate, client_network, throttle_client

blp = Blueprint("gate", __name__, url_prefix="/api/gate")


@blp.get("/")
@blp.public
@blp.response(200)
def pass_gate():
    throttle_client("gate.pass", "3/minute")
    return {"network": client_network()}


class Gate:
    MANIFEST = Manifest(name="gate", summary="Lets few pass", url_prefixes=("/api/gate/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Gate()]


def make(url: str, secret: str = "s" * 40) -> Throttle:
    return Throttle(url, secret)


@pytest.fixture
def counts(nexus_engines, app):
    return make(nexus_engines.redis_url)


def passed(counts: Throttle, times: int, key: str = "k", rate: str = "3/minute") -> int:
    """How many of so many attempts are let through."""
    done = 0
    for _ in range(times):
        try:
            counts.hit("gate.test", key, rate)
        except Throttled:
            continue
        done += 1
    return done


def walk(app, address: str = "203.0.113.7", **headers):
    return app.test_client().get("/api/gate/", headers=headers, environ_base={"REMOTE_ADDR": address})


def test_as_many_pass_as_the_rate_says_and_the_next_is_told_when_to_come_back(app):
    assert [walk(app).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = walk(app)
    assert refused.json["code"] == "kernel.throttled"
    assert refused.content_type == "application/problem+json"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_keys_and_names_are_counted_apart(counts):
    assert passed(counts, 5, "a") == passed(counts, 5, "b") == 3
    counts.hit("gate.other", "a", "3/minute")


def test_two_processes_share_one_count(nexus_engines, counts):
    other = make(nexus_engines.redis_url)
    assert passed(counts, 2) + passed(other, 5) == 3


def test_forty_at_once_are_as_many_as_the_rate_says(counts):
    assert sum(in_threads([lambda: passed(counts, 1, rate="7/minute")] * 40)) == 7


def test_the_window_slides(counts):
    assert passed(counts, 3, rate="2/second") == 2
    threading.Event().wait(2.1)
    assert passed(counts, 3, rate="2/second") == 2


def test_what_was_forgiven_counts_no_more(counts):
    assert passed(counts, 3) == 3
    counts.forgive("gate.test", "k", "3/minute")
    assert passed(counts, 4) == 3


def test_an_empty_rate_is_no_limit(counts):
    assert passed(counts, 50, rate="") == 50


def test_a_note_is_remembered_and_ends(counts):
    assert not counts.is_noted("gate.seen", "k")
    counts.note("gate.seen", "k", 1)
    assert counts.is_noted("gate.seen", "k") and not counts.is_noted("gate.seen", "other")
    threading.Event().wait(1.1)
    assert not counts.is_noted("gate.seen", "k")


def test_redis_holds_no_key_in_the_clear_and_nothing_for_ever(app, counts):
    counts.hit("gate.test", "abebe@example.com", "3/minute")
    counts.note("gate.seen", "abebe@example.com", 60)
    walk(app)
    redis = app.extensions["nexus"].cache.client
    keys = [key for key in redis.scan_iter("*") if b"throttle" in key]
    assert len(keys) == 3
    for key in keys:
        assert b"abebe" not in key and b"203.0.113" not in key
        assert 0 < redis.ttl(key) <= 120


def test_the_hash_of_a_key_depends_on_the_secret(nexus_engines, counts):
    other = make(nexus_engines.redis_url, "t" * 40)
    assert passed(counts, 5) == passed(other, 5) == 3


@pytest.mark.parametrize("forged", ["198.51.100.1", "198.51.100.1, 10.0.0.1", "::1", "", "x" * 4000])
def test_a_forged_header_changes_nothing(app, forged):
    names = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP")
    for _ in range(3):
        walk(app)
    for name in names:
        assert walk(app, **{name: forged}).status_code == 429


def test_a_refusal_behind_an_undeclared_proxy_is_explained_in_the_log(app, caplog):
    with caplog.at_level(logging.WARNING, "nexus.throttling"):
        for _ in range(4):
            walk(app, **{"X-Forwarded-For": "198.51.100.1"})
    assert "NEXUS_KERNEL__TRUSTED_PROXIES" in caplog.text


class TestBehindOneProxy:
    @pytest.fixture
    def nexus_config(self):
        return {"kernel": {"trusted_proxies": 1}}

    def test_the_address_that_the_proxy_saw_counts_and_what_came_before_it_does_not(self, app):
        for number in range(3):
            reply = walk(app, **{"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.1"})
            assert reply.json == {"network": "198.51.100.1"}
        assert walk(app, **{"X-Forwarded-For": "192.0.2.9, 198.51.100.1"}).status_code == 429
        assert walk(app, **{"X-Forwarded-For": "198.51.100.2"}).status_code == 200

    def test_a_request_that_did_not_pass_the_proxy_counts_by_its_own_address(self, app):
        assert walk(app).json == {"network": "203.0.113.7"}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a unix socket", "a unix socket"),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network(app, address, network):
    assert walk(app, address).json == {"network": network}


def test_the_addresses_of_one_ipv6_network_count_together(app):
    replies = [walk(app, f"2001:db8:1:2::{number}").status_code for number in range(5)]
    assert replies == [200, 200, 200, 429, 429]
    assert walk(app, "2001:db8:1:3::1").status_code == 200


def test_with_redis_gone_a_process_counts_by_itself(counts, caplog):
    gone = make("redis://127.0.0.1:1/0")
    with caplog.at_level(logging.WARNING, "nexus.throttling"):
        assert passed(gone, 5) == 3
    assert caplog.text.count("Redis does not answer") == 1
    gone.note("gate.seen", "k", 60)
    assert gone.is_noted("gate.seen", "k")


def test_a_redis_that_does_not_answer_holds_one_request_up_and_is_used_again_when_it_does(
    tmp_path,
):
    with EmbeddedValkey(tmp_path, durable=False, allow_system=True) as valkey:
        counts = make(valkey.url)
        assert passed(counts, 2) == 2
        valkey.process.send_signal(signal.SIGSTOP)
        try:
            begun = monotonic()
            assert passed(counts, 200, rate="1000/minute") == 200
            assert monotonic() - begun < 3.0, "every request waited"
        finally:
            valkey.process.send_signal(signal.SIGCONT)
        counts._down_until = 0.0
        assert passed(counts, 5) == 1, "what was counted before goes on"


def test_the_memory_of_a_process_without_redis_is_bounded():
    gone = make("redis://127.0.0.1:1/0")
    gone._down_until = monotonic() + 600
    for number in range(LOCAL_KEYS + 10):
        gone.hit("gate.test", str(number), "3/hour")
    assert len(gone._local.storage.storage) < LOCAL_KEYS


@pytest.mark.parametrize("text", ["10/minute", "1/second", "20/15 minutes", "20/15minutes", "9/day", ""])
def test_a_rate_has_this_form(text):
    check_rate(text)


@pytest.mark.parametrize("text", ["10", "0/minute", "10/fortnight", "-1/hour", "10 minutes", "1e3/hour", " "])
def test_another_form_is_refused(text):
    with pytest.raises(ValueError, match="must be a rate such as 10/minute"):
        check_rate(text)


def test_a_rate_that_is_none_stops_the_start(start):
    @dataclass(frozen=True)
    class GateConfig:
        rate: str = setting("3/minute", check=check_rate, help="How many pass.")

    class Strict(Gate):
        MANIFEST = Manifest(
            name="gate", summary="Lets few pass", url_prefixes=("/api/gate/",), config=GateConfig
        )

    with pytest.raises(StartupError, match="NEXUS_GATE__RATE: must be a rate"):
        start(Strict(), gate={"rate": "3 a minute"})


def test_throttling_takes_the_running_application(app):
    with app.app_context():
        throttle("gate.test", "k", "1/minute")
        with pytest.raises(Throttled):
            throttle("gate.test", "k", "1/minute")
