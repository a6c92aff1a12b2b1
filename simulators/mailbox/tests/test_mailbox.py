"""The mailbox keeps whatever arrives over SMTP and shows it, without trusting any of it."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mailbox:
    """The real program, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.smtp_port, self.port = free_port(), free_port()
        self.start()

    def start(self) -> None:
        ports = ["--smtp-port", str(self.smtp_port), "--port", str(self.port)]
        command = [sys.executable, "-m", "nexus_mailbox", *ports, "--maildir", str(self.folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not self.is_ready():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            return self.open("/healthz").status == 200
        except OSError:
            return False

    def open(self, path: str, method: str = "GET", **headers: str) -> Any:
        address = f"http://127.0.0.1:{self.port}{path}"
        return urllib.request.urlopen(
            urllib.request.Request(address, method=method, headers=headers), timeout=10
        )

    def json(self, path: str) -> Any:
        return json.load(self.open(path))

    def send(self, *recipients: str, html: str = "", text: str = "Hello", subject: str = "Hi") -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "Shop <shop@example.com>", recipients[0], subject
        message.set_content(text)
        if html:
            message.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=10) as client:
            client.send_message(message, to_addrs=list(recipients))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    mailbox = Mailbox(tmp_path_factory.mktemp("mailbox") / "mails")
    yield mailbox
    mailbox.end()


@pytest.fixture
def mailbox(shared: Mailbox) -> Mailbox:
    shared.open("/api/messages", "DELETE")
    return shared


def test_a_message_is_read_back_field_by_field(mailbox: Mailbox) -> None:
    mailbox.send("ann@example.com", text="Sälaam ሰላም", html="<p>Sälaam</p>", subject="Grüße ✓")
    (message,) = mailbox.json("/api/messages")
    assert message.keys() == {"id", "to", "from", "subject", "date", "text", "html", "links"}
    assert message["to"] == ["ann@example.com"]
    assert message["from"] == "shop@example.com"
    assert message["subject"] == "Grüße ✓"
    assert message["text"].strip() == "Sälaam ሰላም"
    assert message["html"].strip() == "<p>Sälaam</p>"
    assert mailbox.json(f"/api/messages/{message['id']}") == message


def test_the_newest_comes_first(mailbox: Mailbox) -> None:
    for subject in ("one", "two", "three"):
        mailbox.send("ann@example.com", subject=subject)
    assert [message["subject"] for message in mailbox.json("/api/messages")] == ["three", "two", "one"]


def test_a_recipient_is_found_by_whole_address_in_any_case_and_as_blind_copy(mailbox: Mailbox) -> None:
    mailbox.send("ann@example.com", "Bob@Example.com")
    mailbox.send("joann@example.com")
    assert len(mailbox.json("/api/messages?to=ANN@example.com")) == 1
    assert len(mailbox.json("/api/messages?to=bob@example.com")) == 1
    assert mailbox.json("/api/messages?to=nobody@example.com") == []


def test_links_are_listed_once_in_their_order(mailbox: Mailbox) -> None:
    mailbox.send(
        "ann@example.com",
        text="Verify: http://127.0.0.1:1/verify?t=a&b=c. Or see https://example.com/help.",
        html='<a href="http://127.0.0.1:1/verify?t=a&amp;b=c">x</a> <a href="javascript:alert(1)">y</a>',
    )
    (message,) = mailbox.json("/api/messages")
    assert message["links"] == ["http://127.0.0.1:1/verify?t=a&b=c", "https://example.com/help"]


def test_the_source_is_the_message_as_it_came(mailbox: Mailbox) -> None:
    mailbox.send("ann@example.com", text="exactly this")
    (message,) = mailbox.json("/api/messages")
    answer = mailbox.open(f"/api/messages/{message['id']}/raw")
    assert answer.headers["Content-Type"].startswith("message/rfc822")
    assert b"exactly this" in answer.read()


def test_deleting_empties_the_mailbox(mailbox: Mailbox) -> None:
    mailbox.send("ann@example.com")
    assert mailbox.open("/api/messages", "DELETE").status == 204
    assert mailbox.json("/api/messages") == []


def test_many_senders_at_once_lose_nothing(mailbox: Mailbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: mailbox.send(f"p{n}@example.com"), range(40)))
    assert {message["to"][0] for message in mailbox.json("/api/messages")} == {
        f"p{n}@example.com" for n in range(40)
    }


def test_any_user_name_and_password_are_accepted(mailbox: Mailbox) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, timeout=10) as client:
        client.login("any", "thing")
        client.sendmail("a@example.com", "b@example.com", "Subject: in\r\n\r\nx")
    assert len(mailbox.json("/api/messages?to=b@example.com")) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no header at all",
        b"Content-Type: text/plain; charset=no-such\r\n\r\nx",
        b"Subject: \xff\xfe\r\n\r\n\xff",
    ],
)
def test_a_broken_message_is_kept_and_shown(mailbox: Mailbox, content: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, timeout=10) as client:
        client.sendmail("a@example.com", "b@example.com", content)
    (message,) = mailbox.json("/api/messages")
    assert mailbox.open(f"/messages/{message['id']}").status == 200
    assert mailbox.open("/").status == 200


def test_markup_in_a_message_never_reaches_the_page(mailbox: Mailbox) -> None:
    mailbox.send("ann@example.com", subject="<script>alert(1)</script>", text="<img src=x onerror=alert(1)>")
    (message,) = mailbox.json("/api/messages")
    for path in ("/", f"/messages/{message['id']}"):
        page = mailbox.open(path).read().decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_html_is_shown_in_a_sandbox_without_script_or_network(mailbox: Mailbox) -> None:
    mailbox.send(
        "ann@example.com", html="<script>alert(1)</script><img src='http://tracker.example.com/1.gif'>"
    )
    (message,) = mailbox.json("/api/messages")
    assert 'sandbox="allow-popups' in mailbox.open(f"/messages/{message['id']}").read().decode()
    policy = mailbox.open(f"/messages/{message['id']}/html").headers["Content-Security-Policy"]
    assert policy.startswith("sandbox ")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


def test_pages_load_nothing_from_elsewhere(mailbox: Mailbox) -> None:
    mailbox.send("ann@example.com", html="<p>x</p>")
    (message,) = mailbox.json("/api/messages")
    for path in ("/", f"/messages/{message['id']}", "/static/mailbox.css", "/static/mailbox.js"):
        assert "://" not in mailbox.open(path).read().decode()


@pytest.mark.parametrize("identity", ["none", "..%2F..%2Fetc%2Fpasswd", "0" * 20 + "-1-1"])
@pytest.mark.parametrize(
    "path", ["/api/messages/{}", "/api/messages/{}/raw", "/messages/{}", "/messages/{}/html"]
)
def test_an_unknown_message_is_a_404(mailbox: Mailbox, path: str, identity: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        mailbox.open(path.format(identity))
    assert refusal.value.code == 404
    assert refusal.value.headers["Content-Type"] == "application/problem+json"


def test_a_page_of_another_site_that_points_its_name_here_is_refused(mailbox: Mailbox) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        mailbox.open("/api/messages", Host="evil.example.com")
    assert refusal.value.code == 400


def test_only_this_machine_can_connect(mailbox: Mailbox) -> None:
    open_at = [c.laddr for c in psutil.Process(mailbox.process.pid).net_connections() if c.status == "LISTEN"]
    assert {port for _, port in open_at} == {mailbox.port, mailbox.smtp_port}
    assert {ip for ip, _ in open_at} == {"127.0.0.1"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_loses_nothing(tmp_path: Path, number: int) -> None:
    mailbox = Mailbox(tmp_path / "mails")
    mailbox.send("ann@example.com", subject="kept")
    mailbox.end(number)
    mailbox.start()
    assert [message["subject"] for message in mailbox.json("/api/messages")] == ["kept"]
    mailbox.end()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_without_a_traceback(tmp_path: Path, number: int, code: int) -> None:
    mailbox = Mailbox(tmp_path / "mails")
    assert mailbox.end(number) == code
    assert "Traceback" not in mailbox.process.communicate()[1]


def test_a_taken_port_is_a_sentence(mailbox: Mailbox, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "nexus_mailbox",
        "--smtp-port",
        str(free_port()),
        "--port",
        str(mailbox.port),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ))
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "in use" in answer.stderr
