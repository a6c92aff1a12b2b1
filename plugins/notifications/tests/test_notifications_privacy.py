"""What a person was told, exported and erased; and the mail about a seller's application."""

import orjson
import pytest

from nexus_kernel import new_id, reading, transaction
from nexus_kernel.contracts.accounts import SellerApplicationDecided
from nexus_kernel.testing import auth_headers


@pytest.fixture
def handler(app):
    return app.extensions["nexus"].data_subjects["notifications"]


def export(app, handler, person):
    with app.app_context(), reading():
        return orjson.loads(orjson.dumps(handler.export(person)))


def erase(app, handler, person):
    with app.app_context(), transaction():
        handler.erase(person)


def test_the_export_holds_notifications_and_mails_without_tokens(app, shop, handler):
    buyer = shop.person(email="abebe@example.com")
    shop.happen(shop.registered(user_id=buyer, email="abebe@example.com"), shop.order_placed(buyer))
    document = export(app, handler, buyer)
    assert [told["kind"] for told in document["notifications"]] == ["order_placed"]
    assert {mail["template"] for mail in document["mails"]} == {"verify_email", "order_placed"}
    assert {mail["recipient"] for mail in document["mails"]} == {"abebe@example.com"}
    assert "to.k-en" not in str(document)
    assert export(app, handler, new_id()) == {"notifications": [], "mails": []}


def test_erasing_forgets_one_person_and_twice_does_no_harm(app, client, shop, handler):
    buyer, other = shop.person(), shop.person()
    shop.happen(shop.order_placed(buyer), shop.order_placed(other))
    for _ in range(2):
        erase(app, handler, buyer)
        assert export(app, handler, buyer) == {"notifications": [], "mails": []}
    assert len(export(app, handler, other)["mails"]) == 1
    count = client.get("/api/notifications/", headers=auth_headers(app, person_id=other)).json["count"]
    assert count == 1


def test_a_mail_that_waits_is_not_sent_after_the_erasure(app, shop, handler, mail_server):
    mail_server.answer_rcpt = "450 later"
    buyer = shop.person()
    shop.happen(shop.order_placed(buyer))
    erase(app, handler, buyer)
    mail_server.answer_rcpt = "250 OK"
    shop.time_passes()
    assert mail_server.accepted == []


def test_events_that_come_after_the_erasure_write_nothing(app, shop, accounts, handler):
    buyer = shop.person()
    del accounts.people[buyer]
    events = (
        shop.registered(user_id=buyer),
        shop.activated(user_id=buyer),
        shop.order_placed(buyer),
        decided(buyer),
    )
    shop.happen(*events)
    assert export(app, handler, buyer) == {"notifications": [], "mails": []}


def decided(person, **changes):
    values = {"application_id": new_id(), "user_id": person, "shop_name": "Shoes & <b>more</b>"}
    return SellerApplicationDecided(**{**values, "approved": True, "reason": "", **changes})


@pytest.mark.parametrize("approved", [True, False])
def test_an_applicant_is_told_once_what_was_decided(app, client, shop, mail_server, approved):
    applicant = shop.person()
    shop.happen(decided(applicant, approved=approved, reason="" if approved else "Too many shoes"))
    shop.deliver_again()
    word = "approved" if approved else "declined"
    assert mail_server.subjects == [f"Your application as a seller was {word}"]
    (mail,) = mail_server.mails
    html = mail.get_body(("html",)).get_content()
    assert "Shoes &amp; &lt;b&gt;more&lt;/b&gt;" in html and "Shoes & <b>more</b>" not in html
    text = mail.get_body(("plain",)).get_content()
    assert ("Too many shoes" in text, "you are a seller now" in text) == (not approved, approved)
    (told,) = client.get("/api/notifications/", headers=auth_headers(app, person_id=applicant)).json[
        "results"
    ]
    assert told["title"] == f"Your application as a seller was {word}"
    assert ("Too many shoes" in told["body"]) == (not approved)
