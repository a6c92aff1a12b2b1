"""The journey, a method a step. It knows the promised HTTP API and nothing else of the shop."""

import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from nexus_kernel.cli.tour.http import Http, TourFailed, press

WAIT = 90.0
"""Seconds to wait for what a worker does: a mail, a webhook, a notification."""

ADDRESS = {"address_line": "Bole Road 12", "city": "Addis Ababa", "postal_code": "1000", "country": "ET"}


class Journey:
    """A buyer who does not exist yet, at the shop of these addresses."""

    def __init__(self, api: str, mailbox: str, http: Http) -> None:
        self.api, self.mailbox, self.http = api.rstrip("/"), mailbox.rstrip("/"), http
        self.email = f"tour-{secrets.token_hex(4)}@example.com"
        self.password = secrets.token_urlsafe(12)
        self.product: dict[str, Any] = {}
        self.order: dict[str, Any] = {}
        self.payment: dict[str, Any] = {}

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Each step's name and what plays it; a step returns what it saw, or raises TourFailed."""
        yield "register", self.register
        yield "confirm the e-mail address", self.confirm
        yield "log in", self.log_in
        yield "search", self.search
        yield "read a product", self.read
        yield "add it to the cart", self.add
        yield "order", self.place
        yield "initiate the payment", self.initiate
        yield "pay on the gateway's page", self.pay
        yield "wait for the webhook", self.wait_until_paid
        yield "read the order", self.check_order
        yield "read the mails", self.read_mails
        yield "read the notification", self.read_notification

    def register(self) -> str:
        body = {"email": self.email, "password": self.password, "re_password": self.password}
        user = self.http.json("POST", f"{self.api}/api/auth/users/", body, expect=201)
        _hold(user["email"] == self.email, f"the answer names {user['email']}")
        return f"{self.email}"

    def confirm(self) -> str:
        text = self._wait("the verification mail", lambda: self._mail(r"activate/"))
        found = re.search(r"activate/([^/\s]+)/([^/\s]+)", text)
        _hold(found is not None, f"the mail has no activation link: {text[:300]}")
        assert found is not None
        body = {"uid": found[1], "token": found[2]}
        self.http.json("POST", f"{self.api}/api/auth/users/activation/", body, expect=204)
        return "the link from the mailbox was accepted"

    def log_in(self) -> str:
        body = {"email": self.email, "password": self.password}
        self.http.token = self.http.json("POST", f"{self.api}/api/auth/jwt/create/", body)["access"]
        me = self.http.json("GET", f"{self.api}/api/auth/users/me/")
        _hold(me["email"] == self.email and me["is_seller"] is False, f"users/me says {me}")
        return f"as {me['email']}"

    def search(self) -> str:
        url = f"{self.api}/api/catalog/products/?q=lantern&in_stock=true&sort=price"
        page = self.http.json("GET", url)
        _hold(page["count"] > 0 and page["results"], "nothing was found for 'lantern'")
        self.product = page["results"][-1]
        return f"{page['count']} products for 'lantern'"

    def read(self) -> str:
        product = self.http.json("GET", f"{self.api}/api/catalog/products/{self.product['id']}/")
        _hold(product["title"] == self.product["title"], f"the detail names {product['title']}")
        return f"{product['title']}, {product['price']} {product['currency']}"

    def add(self) -> str:
        before = self.http.json("GET", f"{self.api}/api/cart/cart/")
        _hold(before["items"] == [], "a new buyer's cart is not empty")
        body = {"product_id": self.product["id"], "quantity": 1}
        self.http.json("POST", f"{self.api}/api/cart/cart/items/", body, expect=201)
        cart = self.http.json("GET", f"{self.api}/api/cart/cart/")
        _hold([item["quantity"] for item in cart["items"]] == [1], f"the cart holds {cart['items']}")
        self.order = {"expected_total": cart["total"]}
        return f"1 line, {cart['total']} {cart['currency']}"

    def place(self) -> str:
        body = {"shipping_address": ADDRESS, "payment_method": "chapa", **self.order}
        self.order = self._once("POST", f"{self.api}/api/orders/", body)
        _hold(self.order["status"] == "pending", f"the order is {self.order['status']}")
        _hold(not self.http.json("GET", f"{self.api}/api/cart/cart/")["items"], "the cart was not emptied")
        return f"{self.order['number']}, {self.order['total']} {self.order['currency']}"

    def initiate(self) -> str:
        self.payment = self._once(
            "POST", f"{self.api}/api/payments/initiate/", {"order_id": self.order["id"]}
        )
        return f"{self.payment['tx_ref']} at {self.payment['payment_url']}"

    def pay(self) -> str:
        reply = press(self.http, self.payment["payment_url"], "Pay")
        _hold(reply.status < 400, f"the gateway's page answered {reply.status}")
        return "the gateway took the money"

    def wait_until_paid(self) -> str:
        started = time.monotonic()
        self._wait("the order to be paid", lambda: self._order()["payment_status"] == "paid")
        return f"paid after {time.monotonic() - started:.1f} s"

    def check_order(self) -> str:
        order = self._order()
        _hold(order["status"] == "confirmed", f"the order is {order['status']}")
        return f"{order['number']} is {order['status']}"

    def read_mails(self) -> str:
        number = re.escape(self.order["number"])
        self._wait("the receipt", lambda: len(self._mails(number)) >= 2)
        subjects = [mail["subject"] for mail in self._mails("")]
        _hold(len(subjects) == len(set(subjects)), f"a mail came twice: {subjects}")
        return "; ".join(reversed(subjects))

    def read_notification(self) -> str:
        url = f"{self.api}/api/notifications/"
        self._wait("the in-app notification", lambda: self.http.json("GET", f"{url}?unread=1")["results"])
        first = self.http.json("GET", f"{url}?unread=1")["results"][0]
        before = self.http.json("GET", f"{url}unread_count/")
        self.http.json("POST", f"{url}{first['id']}/read/")
        after = self.http.json("GET", f"{url}unread_count/")
        _hold(after != before, f"still {after} after reading one")
        return str(first["title"])

    def _once(self, method: str, url: str, body: Any) -> Any:
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        return self.http.json(method, url, body, headers=headers, expect=201)

    def _order(self) -> Any:
        return self.http.json("GET", f"{self.api}/api/orders/{self.order['id']}/")

    def _mails(self, pattern: str) -> list[Any]:
        found = self.http.json("GET", f"{self.mailbox}/api/messages?to={self.email}")
        messages = found["results"] if isinstance(found, dict) else found
        return [m for m in messages if re.search(pattern, m["subject"] + m["text"])]

    def _mail(self, pattern: str) -> str | None:
        mails = self._mails(pattern)
        return str(mails[0]["text"]) if mails else None

    def _wait(self, what: str, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + WAIT
        while not (found := look()):
            if time.monotonic() > deadline:
                raise TourFailed(f"{what} did not come within {WAIT:.0f} s")
            time.sleep(0.2)
        return found


def _hold(condition: bool, otherwise: str) -> None:
    if not condition:
        raise TourFailed(otherwise)
