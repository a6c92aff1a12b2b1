"""Requests to foreign addresses: never into the own network, never without an end."""

import ipaddress
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nexus_kernel import outgoing
from nexus_kernel.outgoing import Limits, OutgoingRefused, fetch, is_public, public_address

SMALL = Limits(1000, seconds=2.0, allow_private=True)


class Handler(BaseHTTPRequestHandler):
    """Answers by path; notes what it was asked."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        name, _, rest = self.path[1:].partition("/")
        getattr(self, f"answer_{name}", self.answer_status)(rest)

    def answer_bytes(self, count: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(b"x" * int(count))

    def answer_to(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def answer_packed(self, rest: str) -> None:
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()

    def answer_slow(self, rest: str) -> None:
        """A byte of the headers, or of the body, now and then: no single wait is long."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"" if rest == "headers" else b"\r\n"))
        for _ in range(200):
            try:
                self.wfile.write(b"X")
            except OSError:
                return
            time.sleep(0.05)

    def answer_status(self, rest: str) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    server.url = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "168.63.129.16"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fe80::1%lo",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
        ),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "::ffff:0:127.0.0.1"),
    ],
)
def test_addresses_off_the_public_internet_are_refused(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_not(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f000001", "017700000001", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_no_spelling_of_the_own_machine_is_asked(server, host):
    with pytest.raises(OutgoingRefused, match=r"not on the public Internet|not known"):
        fetch(f"http://{host}:{server.server_port}/bytes/1", Limits(1000))
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        *("file:///etc/passwd", "ftp://example.com/x", "gopher://x/", "//example.com/", "x", "", "http://"),
        *(
            "http://user:secret@example.com/",
            "http://exa mple.com/\r\nX: y",
            "http://[::1",
            "http://a:99999/",
        ),
        *("http://" + "a" * 3000, "http://\u2603\ud800/"),
    ],
)
def test_what_is_no_plain_address_of_the_web_is_refused(url):
    with pytest.raises(OutgoingRefused):
        fetch(url, Limits(1000))


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    answers = [(None, None, None, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answers)
    with pytest.raises(OutgoingRefused, match="not on the public Internet"):
        public_address("example.com", 80)


def test_the_address_that_was_checked_is_the_one_connected_to(server, monkeypatch):
    """DNS rebinding: the second answer of the name server is never asked for."""
    real, asked = socket.getaddrinfo, []

    def once(host, *arguments, **options):
        if host == "rebound.example":
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else "203.0.113.1", *arguments, **options)
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    fetch(f"http://rebound.example:{server.server_port}/bytes/1", SMALL)
    assert asked == ["rebound.example"]
    assert server.asked[0][1]["Host"] == f"rebound.example:{server.server_port}"


def test_every_redirect_is_checked_again(server, monkeypatch):
    def only_the_first(host, port, allow_private=False):
        if host != "localhost":
            raise OutgoingRefused(f"the host {host} is not on the public Internet")
        return public_address(host, port, True)

    monkeypatch.setattr(outgoing, "public_address", only_the_first)
    with pytest.raises(OutgoingRefused, match=r"169\.254\.169\.254 is not on the public Internet"):
        fetch(f"{server.url}/to/http://169.254.169.254/latest/meta-data/", SMALL)
    assert len(server.asked) == 1


def test_three_redirects_are_followed_and_a_fourth_is_not(server):
    assert fetch(f"{server.url}/to//to//to//bytes/5", SMALL).body == b"xxxxx"
    with pytest.raises(OutgoingRefused, match="redirects more than 3 times"):
        fetch(f"{server.url}/to/{server.url}/to/{server.url}/to/{server.url}/to/{server.url}/bytes/5", SMALL)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://u:p@localhost/", "gopher://x", ""])
def test_a_redirect_to_anything_but_a_page_of_the_web_is_refused(server, target):
    with pytest.raises(OutgoingRefused):
        fetch(f"{server.url}/to/{target}", SMALL)


def test_what_is_answered_comes_with_its_type(server):
    answer = fetch(f"{server.url}/bytes/1000", SMALL)
    assert (len(answer.body), answer.content_type) == (1000, "image/png")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/bytes/1001", "larger than 1000 bytes"),
        ("/bytes/5000000", "larger than 1000 bytes"),
        ("/none", "status 404"),
        ("/packed", "compressed"),
        ("/slow/headers", "took too long"),
        ("/slow/body", "took too long"),
    ],
)
def test_an_answer_is_bounded_in_size_and_time(server, path, reason):
    started = time.monotonic()
    with pytest.raises(OutgoingRefused, match=reason):
        fetch(server.url + path, SMALL)
    assert time.monotonic() - started < 30


def test_nothing_there_is_a_sentence():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(OutgoingRefused, match="nothing was answered"):
        fetch(f"http://127.0.0.1:{port}/", SMALL)


def test_no_proxy_of_the_environment_is_used(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert fetch(f"{server.url}/bytes/1", SMALL).body == b"x"
