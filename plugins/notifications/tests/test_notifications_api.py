"""The routes: everybody sees their own notifications and nobody else's."""

import nexus_notifications.plugin
import pytest

from nexus_kernel import new_id
from nexus_kernel.contracts.payments import PaymentFailed, PaymentSucceeded
from nexus_kernel.testing import auth_headers, count_queries, in_threads
from nexus_kernel.testing.fixtures import make_app
from nexus_kernel.testing.helpers import RecordingDispatcher

URL = "/api/notifications/"


@pytest.fixture
def buyer(shop, mail_server):
    return shop.person()


@pytest.fixture
def headers(app, buyer):
    return auth_headers(app, person_id=buyer)


def listed(client, headers, query=""):
    answer = client.get(URL + query, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json["results"]


def unread(client, headers):
    return client.get(f"{URL}unread_count/", headers=headers).json["unread_count"]


def test_orders_and_payments_are_told_in_the_shop_and_accounts_are_not(shop, client, buyer, headers):
    shop.happen(
        shop.registered(user_id=buyer),
        shop.activated(user_id=buyer),
        shop.order_placed(buyer),
        shop.payment(PaymentSucceeded, buyer),
        shop.payment(PaymentFailed, buyer),
        shop.status_changed(buyer),
    )
    assert sorted((n["kind"], n["title"]) for n in listed(client, headers)) == [
        ("order_placed", "Order N-7Q2K placed"),
        ("order_status_changed", "Order N-7Q2K is on its way"),
        ("payment_failed", "Payment failed"),
        ("payment_received", "Payment received"),
    ]


def test_a_notification_says_what_and_links_by_ids(shop, client, buyer, headers):
    event = shop.order_placed(buyer)
    shop.happen(event)
    (found,) = listed(client, headers)
    assert found["body"] == "We have your order over ETB 1,251.00."
    assert found["data"] == {"order_id": str(event.order_id), "number": "N-7Q2K"}
    assert found["read_at"] is None and found["created_at"].endswith("+00:00")


def test_an_event_that_is_delivered_twice_is_told_once(shop, client, buyer, headers):
    shop.happen(shop.order_placed(buyer))
    shop.deliver_again()
    assert len(listed(client, headers)) == 1


def test_without_anybody_who_knows_addresses_the_shop_still_tells(
    nexus_engines, database_url, nexus_config, shop_of
):
    app = make_app(nexus_engines, database_url, [nexus_notifications.plugin], nexus_config)
    app.extensions["nexus"].dispatcher = RecordingDispatcher()
    shop, person = shop_of(app), new_id()
    shop.happen(shop.order_placed(person))
    assert len(listed(app.test_client(), auth_headers(app, person_id=person))) == 1
    assert shop.mails() == []
    app.extensions["nexus"].db.close()


def test_the_newest_comes_first_page_by_page(shop, client, buyer, headers):
    for number in range(5):
        shop.happen(shop.order_placed(buyer, number=f"N-{number}"))
    seen, url = [], f"{URL}?page_size=2"
    while url:
        page = client.get(url, headers=headers).json
        assert page["count"] == 5
        seen += [n["data"]["number"] for n in page["results"]]
        url = page["next"]
    assert seen == ["N-4", "N-3", "N-2", "N-1", "N-0"]


def test_reading_one_keeps_its_first_time_and_takes_it_off_the_unread(shop, client, buyer, headers):
    shop.happen(shop.order_placed(buyer), shop.status_changed(buyer))
    one = listed(client, headers)[0]
    assert unread(client, headers) == 2
    first = client.post(f"{URL}{one['id']}/read/", headers=headers)
    again = client.post(f"{URL}{one['id']}/read/", headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.json["read_at"] == again.json["read_at"] is not None
    assert unread(client, headers) == 1
    assert one["id"] not in [n["id"] for n in listed(client, headers, "?unread=1")]
    assert len(listed(client, headers)) == len(listed(client, headers, "?unread=0")) == 2


def test_read_all_marks_mine_and_nobody_elses(shop, app, client, buyer, headers):
    stranger = shop.person()
    shop.happen(shop.order_placed(buyer), shop.status_changed(buyer), shop.order_placed(stranger))
    assert client.post(f"{URL}read_all/", headers=headers).json == {"updated": 2}
    assert client.post(f"{URL}read_all/", headers=headers).json == {"updated": 0}
    assert unread(client, headers) == 0
    assert unread(client, auth_headers(app, person_id=stranger)) == 1


def test_reading_all_at_once_from_many_windows_counts_each_once(shop, app, client, buyer, headers):
    shop.happen(*(shop.order_placed(buyer, number=f"N-{n}") for n in range(6)))
    answers = in_threads([lambda: app.test_client().post(f"{URL}read_all/", headers=headers).json] * 8)
    assert sum(answer["updated"] for answer in answers) == 6


def test_a_strangers_notification_does_not_exist(shop, app, client, buyer, headers):
    shop.happen(shop.order_placed(buyer))
    (mine,) = listed(client, headers)
    for roles in ((), ("staff",), ("admin",)):
        stranger = auth_headers(app, *roles, person_id=new_id())
        answer = client.post(f"{URL}{mine['id']}/read/", headers=stranger)
        assert (answer.status_code, answer.json["code"]) == (404, "notifications.not_found")
        assert listed(client, stranger) == [] and unread(client, stranger) == 0
    assert unread(client, headers) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "unread_count/"),
        ("post", "read_all/"),
        ("post", "01890a5d-ac96-774b-bcce-b302099a8057/read/"),
    ],
)
def test_nobody_is_told_anything_without_signing_in(client, mail_server, method, path):
    assert getattr(client, method)(URL + path).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?unread=maybe", "unread"),
        ("?page=0", "page"),
        ("?page_size=1000", "page_size"),
        ("?cursor=x", "cursor"),
    ],
)
def test_a_bad_parameter_is_named(client, headers, query, field):
    answer = client.get(URL + query, headers=headers)
    assert answer.status_code == 422 and answer.json["errors"][0]["path"] == field


@pytest.mark.parametrize("id", ["1", "x", "%00", str(2**63), "None"])
def test_an_id_that_is_none_is_not_found(client, headers, id):
    assert client.post(f"{URL}{id}/read/", headers=headers).status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_marking_is_a_post_and_nothing_else(client, headers, method):
    for path in (f"{new_id()}/read/", "read_all/"):
        assert getattr(client, method)(URL + path, headers=headers).status_code == 405


def test_the_cost_does_not_grow_with_the_number(shop, app, client, buyer, headers):
    def costs():
        paths = [("get", "?unread=1"), ("get", "unread_count/"), ("post", "read_all/")]
        for method, path in paths:
            with count_queries(app) as queries:
                assert getattr(client, method)(URL + path, headers=headers).status_code == 200
            yield len(queries)

    shop.happen(shop.order_placed(buyer))
    few = list(costs())
    shop.happen(*(shop.order_placed(buyer, number=f"N-{n}") for n in range(10)))
    assert list(costs()) == few == [1, 1, 1]
