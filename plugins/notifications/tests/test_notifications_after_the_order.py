"""What buyers are told after they have ordered: shipments, the answer to a wish to cancel, and refunds."""

import pytest

from nexus_kernel import Money, new_id
from nexus_kernel.contracts.orders import OrderCancellationDecided, OrderLineView, OrderShipped
from nexus_kernel.contracts.payments import PaymentRefunded


def parts(mail):
    return [mail.get_body((kind,)).get_content() for kind in ("plain", "html")]


def shipped(buyer, **changes):
    price = Money(62550, "ETB")
    line = OrderLineView(title="Clay <pot>", sku="JEB-1", quantity=2, unit_price=price, total=price * 2)
    told = {
        "order_id": new_id(),
        "number": "N-7Q2K",
        "user_id": buyer,
        "shipment_id": new_id(),
        "carrier": "Ethio Post",
        "tracking_code": "LX1",
        "tracking_url": "https://post.example/LX1?a=1",
        "lines": (line,),
        "is_complete": True,
    }
    return OrderShipped(**{**told, **changes})


def decided(buyer, approved, note=""):
    told = {"order_id": new_id(), "number": "N-7Q2K", "user_id": buyer, "request_id": new_id()}
    return OrderCancellationDecided(**told, approved=approved, note=note)


def test_a_shipment_tells_its_pieces_and_how_it_is_followed(shop, mail_server):
    event = shipped(shop.person(), tracking_url="https://post.example/" + "x" * 479)
    shop.happen(event)
    (mail,) = mail_server.mails
    assert mail["Subject"] == "Your order N-7Q2K has left"
    text, html = parts(mail)
    for part in (text, html):
        assert all(words in part for words in ("Ethio Post", "LX1", "Abebe Bikila"))
        assert event.tracking_url in part.replace("=\r\n", ""), "the longest address is not cut"
    assert "2 x Clay <pot>" in text and "Clay &lt;pot&gt;" in html and "<pot>" not in html


def test_a_part_says_that_it_is_one_and_leaves_out_what_nobody_knows(shop, mail_server):
    shop.happen(shipped(shop.person(), is_complete=False, tracking_code="", tracking_url=None))
    (mail,) = mail_server.mails
    assert mail["Subject"] == "Part of your order N-7Q2K has left"
    for part in parts(mail):
        assert "Tracking" not in part and "Follow" not in part and "None" not in part


def test_a_shipment_without_a_carrier_is_told_by_its_status_alone(shop, mail_server):
    shop.happen(shipped(shop.person(), carrier=""))
    assert mail_server.mails == []


@pytest.mark.parametrize(
    ("approved", "subject", "words"),
    [
        (True, "Your order N-7Q2K will be cancelled", "Your money is on its way back."),
        (False, "Your order N-7Q2K is not cancelled", "That is not possible."),
    ],
)
def test_the_answer_to_a_wish_to_cancel_is_told_with_its_note(shop, mail_server, approved, subject, words):
    shop.happen(decided(shop.person(), approved, note="It is <packed>."))
    (mail,) = mail_server.mails
    assert mail["Subject"] == subject
    text, html = (part.replace("=\r\n", "") for part in parts(mail))
    assert words in text and words in html
    assert "It is <packed>." in text and "It is &lt;packed&gt;." in html


def test_a_refund_is_told_with_what_went_back_in_all(shop, mail_server):
    ids = dict.fromkeys(("refund_id", "payment_id", "payable_id"), new_id())
    sums = {"amount": Money(1050, "ETB"), "refunded": Money(3050, "ETB"), "captured": Money(9000, "ETB")}
    told = {**ids, **sums, "payable_kind": "order", "owner_id": shop.person(), "reference": "refund:1"}
    shop.happen(PaymentRefunded(**told, number="N-7Q2K"))
    (mail,) = mail_server.mails
    assert mail["Subject"] == "Your money for N-7Q2K is on its way back"
    for part in parts(mail):
        assert all(amount in part for amount in ("10.50", "30.50", "90.00"))
