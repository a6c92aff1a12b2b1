"""Low stock: the seller is told once a fall, and the shop where it sells itself."""

from typing import Any

import pytest

from nexus_kernel import StartupError, new_id
from nexus_kernel.contracts.catalog import StockLow
from nexus_kernel.testing import auth_headers
from nexus_kernel.testing.fixtures import make_app


@pytest.fixture
def notifications_config(notifications_config: dict[str, Any]) -> dict[str, Any]:
    return notifications_config | {"stock_address": "stock@example.com"}


def low(seller_id, available: int = 2, title: str = "Clay <pot>") -> StockLow:
    return StockLow(
        product_id=new_id(),
        variant_id=new_id(),
        seller_id=seller_id,
        title=title,
        sku="JEB-1",
        available=available,
        threshold=2,
    )


def test_the_seller_gets_a_mail_and_sees_it_in_the_shop(app, client, shop, mail_server):
    seller_id = shop.person(email="seller@example.com")
    event = low(seller_id)
    shop.happen(event)
    shop.deliver_again()
    (mail,) = mail_server.mails
    assert (mail["To"], mail["Subject"]) == ("seller@example.com", "Low stock: Clay <pot> (JEB-1)")
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "2 left of Clay <pot> (JEB-1)" in plain and "Clay &lt;pot&gt;" in html
    headers = auth_headers(app, "seller", person_id=seller_id)
    (notification,) = client.get("/api/notifications/", headers=headers).json["results"]
    assert (notification["kind"], notification["title"]) == ("stock_low", "Low stock: Clay <pot>")
    assert notification["data"]["variant_id"] == str(event.variant_id)


def test_what_is_sold_out_says_so(shop, mail_server):
    shop.happen(low(shop.person(), available=0))
    assert mail_server.subjects == ["Sold out: Clay <pot> (JEB-1)"]


def test_without_a_seller_the_shop_is_told(shop, mail_server):
    shop.happen(low(None))
    assert mail_server.accepted[0].rcpt_tos == ["stock@example.com"]


def test_a_seller_whose_account_is_gone_is_not_told(shop, mail_server):
    shop.happen(low(new_id()))
    assert mail_server.mails == []


@pytest.mark.parametrize("notifications_config", [{}])
def test_without_an_address_nobody_is_told_of_the_shops_own_products(shop, notifications_config):
    shop.happen(low(None))
    assert shop.mails() == []


def test_an_address_that_is_none_stops_the_start(nexus_engines, database_url, nexus_plugins):
    with pytest.raises(StartupError, match="stock_address"):
        make_app(nexus_engines, database_url, nexus_plugins, {"notifications": {"stock_address": "me"}})
