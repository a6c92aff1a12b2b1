"""The plugin with people from memory, and a real SMTP server in the test process."""

import asyncio
import email
import email.policy
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import nexus_notifications.plugin
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from nexus_notifications.models import EmailNotificationTask, MailState
from nexus_notifications.tasks import send_due
from sqlalchemy import func, select, update

from nexus_kernel import Money, new_id, publish, transaction
from nexus_kernel.contracts.accounts import PersonView, UserActivated, UserRegistered
from nexus_kernel.contracts.events import Event
from nexus_kernel.contracts.orders import OrderLineView, OrderPlaced, OrderStatusChanged
from nexus_kernel.contracts.payments import PaymentFailed, PaymentSucceeded
from nexus_kernel.outbox import Delivery
from nexus_kernel.testing import StandInAccounts, drain


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class MailServer:
    """An SMTP server that keeps what it accepts. `answer_rcpt` and `on_data` make it behave badly."""

    def __init__(self) -> None:
        self.port = free_port()
        self.accepted: list[Envelope] = []
        self.answer_rcpt = "250 OK"
        self.on_data: Callable[[Envelope], str | None] = lambda envelope: None
        self._controller: Controller | None = None

    def start(self, **options: Any) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    @property
    def mails(self) -> list[EmailMessage]:
        return [email.message_from_bytes(e.content, policy=email.policy.default) for e in self.accepted]

    @property
    def subjects(self) -> list[str]:
        return sorted(str(mail["Subject"]) for mail in self.mails)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer_rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer_rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await asyncio.to_thread(self.on_data, envelope)
        if answer is None:
            self.accepted.append(envelope)
        return answer or "250 accepted"


def registered(**changes: Any) -> UserRegistered:
    values = {
        "user_id": new_id(),
        "email": "new@example.com",
        "display_name": "Abebe Bikila",
        "uid": "dWlk",
        "token": "to.k-en",
    }
    return UserRegistered(**{**values, **changes})


def activated(**changes: Any) -> UserActivated:
    values = {"user_id": new_id(), "email": "new@example.com", "display_name": "Abebe Bikila"}
    return UserActivated(**{**values, **changes})


def order_placed(user_id: UUID, title: str = "Clay coffee pot", number: str = "N-7Q2K") -> OrderPlaced:
    price = Money(62550, "ETB")
    line = OrderLineView(title=title, sku="JEB-1", quantity=2, unit_price=price, total=price * 2)
    return OrderPlaced(
        order_id=new_id(),
        number=number,
        user_id=user_id,
        total=price * 2,
        payment_method="chapa",
        lines=(line,),
    )


def status_changed(user_id: UUID, new_status: str = "shipped", reason: str = "") -> OrderStatusChanged:
    return OrderStatusChanged(
        order_id=new_id(),
        number="N-7Q2K",
        user_id=user_id,
        old_status="processing",
        new_status=new_status,
        reason=reason,
    )


def payment(kind: type, owner_id: UUID, **changes: Any) -> PaymentSucceeded | PaymentFailed:
    values: dict[str, Any] = {
        "payment_id": new_id(),
        "payable_kind": "order",
        "payable_id": new_id(),
        "owner_id": owner_id,
        "number": "N-7Q2K",
        "provider": "chapa",
        "reference": "REF123",
        "amount": Money(125100, "ETB"),
    }
    if kind is PaymentSucceeded:
        values["succeeded_at"] = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    else:
        values["reason"] = "declined"
    return kind(**{**values, **changes})


@dataclass
class Shop:
    """Publishes events and does what workers would do."""

    app: Flask
    accounts: StandInAccounts | None = None

    order_placed = staticmethod(order_placed)
    status_changed = staticmethod(status_changed)
    payment = staticmethod(payment)

    def registered(self, **changes: Any) -> UserRegistered:
        return registered(**{"user_id": self._somebody(), **changes})

    def activated(self, **changes: Any) -> UserActivated:
        return activated(**{"user_id": self._somebody(), **changes})

    def _somebody(self) -> UUID:
        return self.person() if self.accounts else new_id()

    def person(self, first_name: str = "Abebe", last_name: str = "Bikila", email: str = "") -> UUID:
        id = new_id()
        self.accounts.people[id] = PersonView(
            id=id,
            email=email or f"{id}@example.com",
            first_name=first_name,
            last_name=last_name,
            email_verified=True,
            roles=frozenset(),
        )
        return id

    def publish(self, *events: Event) -> None:
        with self.app.app_context(), transaction():
            for event in events:
                publish(event)

    def happen(self, *events: Event) -> None:
        """Publish, deliver, send."""
        self.publish(*events)
        drain(self.app)

    def deliver_again(self) -> None:
        """Every event reaches its handlers once more, as after a crash before the mark."""
        with self.app.app_context(), transaction() as session:
            session.execute(update(Delivery).values(done_at=None, available_at=func.clock_timestamp()))
        drain(self.app)

    def time_passes(self) -> None:
        """Pauses and leases end, and the sweep runs."""
        with self.app.app_context(), transaction() as session:
            session.execute(
                update(EmailNotificationTask)
                .where(EmailNotificationTask.state.in_(("queued", "failed")))
                .values(next_attempt_at=func.clock_timestamp())
            )
        self.sweep()

    def sweep(self) -> None:
        with self.app.app_context():
            send_due.function()

    def mails(self) -> list[EmailNotificationTask]:
        with self.app.app_context(), transaction() as session:
            return list(session.scalars(select(EmailNotificationTask).order_by(EmailNotificationTask.id)))

    def the_mail(self) -> EmailNotificationTask:
        (mail,) = self.mails()
        return mail

    def states(self) -> set[MailState]:
        return {MailState(mail.state) for mail in self.mails()}


@pytest.fixture(scope="session")
def accounts() -> StandInAccounts:
    return StandInAccounts()


@pytest.fixture(scope="session")
def nexus_plugins(accounts: StandInAccounts) -> list[object]:
    return [nexus_notifications.plugin, accounts]


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def notifications_config(mail_server: MailServer) -> dict[str, Any]:
    return {
        "smtp_port": mail_server.port,
        "from_address": "Gift shop <shop@example.com>",
        "shop_name": "Gift shop",
        "max_in_flight": 50,
    }


@pytest.fixture
def nexus_config(notifications_config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"notifications": notifications_config, "kernel": {"public_url": "https://shop.example.com"}}


@pytest.fixture
def shop(app: Flask, accounts: StandInAccounts) -> Shop:
    return Shop(app, accounts)


@pytest.fixture
def shop_of() -> type[Shop]:
    """For applications that a test makes itself."""
    return Shop
