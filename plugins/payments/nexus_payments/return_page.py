"""The page for a buyer who comes back from a gateway to a shop without a page of its own."""

import base64
import hashlib
from dataclasses import dataclass

from flask import Response

from nexus_payments.models import OPEN, PaymentStatus

REFRESH_SECONDS = 4
_STYLE = """
:root{color-scheme:light dark;--ground:#f4f5f7;--card:#fff;--text:#1c2430;--soft:#5b6675;--mark:#1f7a4d}
.waiting{--mark:#8a5a00}.ended{--mark:#b3261e}
@media (prefers-color-scheme:dark){
:root{--ground:#12161c;--card:#1d232c;--text:#eef1f5;--soft:#a9b4c2;--mark:#5fd09a}
.waiting{--mark:#f0b94d}.ended{--mark:#ff8a80}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--ground);color:var(--text);
font:1.05rem/1.5 system-ui,sans-serif}
main{box-sizing:border-box;max-width:26rem;margin:1rem;padding:2rem;border-radius:1rem;background:var(--card);
border-top:.4rem solid var(--mark);box-shadow:0 .5rem 2rem rgb(0 0 0/.12);text-align:center}
h1{margin:0 0 .5rem;font-size:1.45rem;line-height:1.25}
p{margin:0;color:var(--soft)}
.sign{margin-bottom:.75rem;font-size:2.5rem;line-height:1;color:var(--mark)}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}


@dataclass(frozen=True)
class _Words:
    look: str
    sign: str
    title: str
    text: str


_ARRIVED = _Words(
    "arrived",
    "&#10003;",
    "Thank you, your payment arrived",
    "You can close this page; the shop goes on from here.",
)
_CHECKED = _Words(
    "waiting",
    "&#8230;",
    "Your payment is being checked",
    "This page looks again by itself. You can close it too: nothing is lost.",
)
_REVIEWED = _Words(
    "waiting",
    "&#8230;",
    "Your payment is being checked",
    "The shop looks at it and will tell you. Do not pay again.",
)
_ENDED = _Words(
    "ended", "&#10007;", "The payment was not completed", "You can go back to the shop and try again."
)


def render(status: PaymentStatus) -> Response:
    """How a payment stands, as HTML without scripts; of the buyer and the order it says nothing."""
    refresh = f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">' if status in OPEN else ""
    words = _words(status)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{refresh}'
        f"<title>{words.title}</title><style>{_STYLE}</style></head>"
        f'<body><main class="{words.look}"><div class="sign" aria-hidden="true">{words.sign}</div>'
        f'<h1 id="payment-status" data-status="{status}">{words.title}</h1><p>{words.text}</p>'
        "</main></body></html>"
    )
    return Response(page, content_type="text/html; charset=utf-8", headers=HEADERS)


def _words(status: PaymentStatus) -> _Words:
    if status is PaymentStatus.SUCCEEDED:
        return _ARRIVED
    if status in OPEN:
        return _CHECKED
    return _REVIEWED if status is PaymentStatus.NEEDS_REVIEW else _ENDED
