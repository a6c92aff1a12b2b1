"""Requests to addresses that somebody else chose: bounded, and never into the deployment's own network.

Whoever fetches an address that came in with data can be made to fetch what only the server can reach: a
metadata service, a database's console (OWASP, Server-Side Request Forgery). `fetch` resolves the name once,
refuses it unless every address is public, connects to the address that it checked, and does so again for each
redirect.

This module needs httpx and httpcore, which the distribution that uses it declares for itself.
"""

import ipaddress
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    import httpcore
    import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MOST_REDIRECTS = 3
LONGEST_URL = 2000
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
_REDIRECTS = {301, 302, 303, 307, 308}
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_NEVER = ipaddress.ip_address("168.63.129.16")
"""Azure's own services stand on a public address."""


class OutgoingRefused(Exception):
    """The address may not be asked, or its answer cannot be taken. The message says why, for a person."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered. `url` is the one that did, after redirects."""

    url: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """`size` in bytes, `seconds` for all of it, and whether private addresses are asked, too (for tests)."""

    size: int
    seconds: float = 30.0
    allow_private: bool = False


def fetch(url: str, limits: Limits) -> Fetched:
    """The body of this http(s) address, after at most three redirects. Raises OutgoingRefused.

    No proxy or credentials of the environment are used, nothing is decompressed, and nothing is sent but GET.
    """
    import httpcore  # costs a tenth of a second, and is seldom needed

    from nexus_kernel._guarded import GuardedBackend

    deadline = time.monotonic() + limits.seconds
    backend = GuardedBackend(deadline, lambda host, port: public_address(host, port, limits.allow_private))
    try:
        with httpcore.ConnectionPool(network_backend=backend, max_keepalive_connections=0) as pool:
            for _ in range(MOST_REDIRECTS + 1):
                answer = _ask(pool, _checked(url), limits.size)
                if isinstance(answer, Fetched):
                    return answer
                url = answer
    except httpcore.TimeoutException:
        raise OutgoingRefused("it took too long") from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
        raise OutgoingRefused(f"nothing was answered: {error or type(error).__name__}") from None
    raise OutgoingRefused(f"it redirects more than {MOST_REDIRECTS} times")


def is_public(address: Address) -> bool:
    """True for a unicast address of the public Internet; an embedded IPv4 address must be one, too.

    IPv6 embeds IPv4 as IPv4-mapped (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056).
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and address != _NEVER
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address in _SIX_TO_FOUR:
        return is_public(ipaddress.IPv4Address(int(address) >> 80 & 0xFFFFFFFF))
    return address in _GLOBAL_UNICAST and address.is_global


def public_address(host: str, port: int, allow_private: bool = False) -> Address:
    """An address of this host. Raises OutgoingRefused when it has none, or when any of them is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OutgoingRefused(f"the host {host[:100]} is not known") from None
    addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
    if not allow_private and not all(map(is_public, addresses)):
        raise OutgoingRefused(f"the host {host[:100]} is not on the public Internet")
    return addresses[0]


def _ask(pool: "httpcore.ConnectionPool", url: "httpx.URL", size: int) -> Fetched | str:
    """What one request answers, or the address that it redirects to."""
    timeouts = {"connect": CONNECT_TIMEOUT, "read": READ_TIMEOUT, "write": READ_TIMEOUT, "pool": 1.0}
    headers = [("Host", url.netloc.decode("ascii")), ("Accept-Encoding", "identity"), ("User-Agent", "nexus")]
    with pool.stream("GET", str(url), headers=headers, extensions={"timeout": timeouts}) as response:
        answered = {name.lower(): value for name, value in reversed(response.headers)}
        if response.status in _REDIRECTS:
            return _redirected(url, answered.get(b"location", b"").decode("ascii", "replace"))
        if response.status != 200:
            raise OutgoingRefused(f"it answers with status {response.status}")
        if answered.get(b"content-encoding", b"identity").lower() != b"identity":
            raise OutgoingRefused("it answers with compressed content, which was not asked for")
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > size:
                raise OutgoingRefused(f"it is larger than {size} bytes")
        kind = answered.get(b"content-type", b"").decode("latin-1")
        return Fetched(str(url), kind, bytes(body))


def _checked(text: str) -> "httpx.URL":
    import httpx

    if len(text) > LONGEST_URL:
        raise OutgoingRefused(f"the address has more than {LONGEST_URL} characters")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise OutgoingRefused("this is no http or https address") from None
    if url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 65536:
        raise OutgoingRefused("this is no http or https address")
    if url.userinfo:
        raise OutgoingRefused("the address holds a name or password")
    return url


def _redirected(url: "httpx.URL", location: str) -> str:
    target = _checked(urljoin(str(url), location))
    if url.scheme == "https" and target.scheme == "http":
        raise OutgoingRefused("it redirects from https to http")
    return str(target)
