"""Methods: what staff may keep, what is refused, and what everybody sees."""

import pytest
from nexus_shipping.models import ShippingBand, ShippingMethod
from nexus_shipping.schemas import MethodSchema
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from nexus_kernel import migrations, new_id, reading, transaction
from nexus_kernel.testing import auth_headers, count_queries, in_threads

URL = "/api/shipping/methods/"
BODY = {"code": "post", "title": "ፖስታ", "currency": "ETB", "bands": [{"price": "80"}]}


def test_the_models_are_the_tables(app):
    assert migrations.check(app) == []
    migrations.downgrade(app, "shipping")
    migrations.upgrade(app)
    assert migrations.check(app) == []


def test_a_method_is_shown_as_it_was_entered(client, staff):
    bands = [
        {"price": "900.5"},
        {"country": "ET", "region": "አዲስ አበባ", "max_weight_grams": 1000, "price": "0", "free_from": "1"},
        {"country": "ET", "min_weight_grams": 5, "price": "60"},
    ]
    body = BODY | {"bands": bands, "min_days": 1, "max_days": 3, "description": "በእጅ"}
    made = client.post(URL, json=body, headers=staff)
    assert made.status_code == 201, made.json
    shown = client.get(made.headers["Location"], headers=staff).json
    assert shown == made.json and MethodSchema().validate(shown) == {}
    assert set(shown) == set(MethodSchema().fields)
    assert (shown["title"], shown["description"], shown["min_days"], shown["max_days"]) == (
        "ፖስታ",
        "በእጅ",
        1,
        3,
    )
    places = ("country", "region", "min_weight_grams", "max_weight_grams")
    assert [tuple(band[name] for name in places) for band in shown["bands"]] == [
        ("ET", "", 5, None), ("ET", "አዲስ አበባ", 0, 1000), (None, "", 0, None),
    ]  # fmt: skip
    assert [(b["price"], b["free_from"]) for b in shown["bands"]] == [
        ("60.00", None), ("0.00", "1.00"), ("900.50", None),
    ]  # fmt: skip


def test_everybody_sees_active_methods_in_their_order_and_staff_all_of_them(client, method, staff):
    method("b", position=1), method("c", position=0), method("a", position=1)
    method("off", is_active=False)
    assert [m["code"] for m in client.get(URL).json["results"]] == ["c", "a", "b"]
    managed = client.get(f"{URL}managed/", headers=staff).json["results"]
    assert [m["code"] for m in managed] == ["c", "off", "a", "b"]
    first = client.get(f"{URL}?page_size=2").json
    assert {name for each in first["results"] for name in each} == set(MethodSchema().fields)
    assert [m["code"] for m in first["results"]] == ["c", "a"]
    assert [m["code"] for m in client.get(first["next"]).json["results"]] == ["b"]


def test_the_list_is_one_query_and_then_none_until_something_changes(app, client, method, staff):
    ids = [method(f"m-{number}")["id"] for number in range(4)]
    with count_queries(app) as queries:
        answer = client.get(URL)
    assert len(queries) == 1, str(queries)
    with count_queries(app) as queries:
        again = client.get(URL, headers={"If-None-Match": answer.headers["ETag"]})
    assert len(queries) == 0 and again.status_code == 304
    client.patch(f"{URL}{ids[0]}/", json={"title": "New"}, headers=staff)
    assert client.get(URL, headers=staff).json["results"][0]["title"] == "New"
    client.delete(f"{URL}{ids[0]}/", headers=staff)
    assert len(client.get(URL, headers=staff).json["results"]) == 3


def test_what_is_left_out_of_a_patch_stays_and_of_a_put_gets_its_default(client, method, staff):
    made = method("post", {"price": "5"}, {"country": "ET", "price": "6"}, min_days=1, max_days=2, position=7)
    url = f"{URL}{made['id']}/"
    patched = client.patch(url, json={"title": "ፈጣን"}, headers=staff).json
    assert patched == made | {"title": "ፈጣን", "updated_at": patched["updated_at"]}
    assert client.patch(url, json={}, headers=staff).json == patched
    put = client.put(url, json=BODY, headers=staff).json
    assert (put["min_days"], put["position"], len(put["bands"])) == (None, 0, 1)


def test_prices_change_their_currency_together(client, method, staff):
    url = f"{URL}{method('post')['id']}/"
    refused = client.patch(url, json={"currency": "JPY"}, headers=staff)
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "bands"
    changed = client.patch(url, json={"currency": "JPY", "bands": [{"price": "500"}]}, headers=staff)
    assert (changed.json["currency"], changed.json["bands"][0]["price"]) == ("JPY", "500")


def test_a_code_is_one_methods(client, method, staff):
    method("post")
    other = method("courier")
    for answer in (
        client.post(URL, json=BODY, headers=staff),
        client.patch(f"{URL}{other['id']}/", json={"code": "post"}, headers=staff),
        client.put(f"{URL}{other['id']}/", json=BODY, headers=staff),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "shipping.code_taken")
        assert answer.json["errors"][0]["path"] == "code"
    assert client.get(f"{URL}{other['id']}/", headers=staff).json == other


def _bands(*bands: dict) -> dict:
    return {"bands": [{"price": "1"} | band for band in bands]}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"code": "Post Fast"}, "code"),
        ({"code": "-"}, "code"),
        ({"code": "post\n"}, "code"),
        ({"code": ""}, "code"),
        ({"code": "x" * 51}, "code"),
        ({"title": " "}, "title"),
        ({"title": None}, "title"),
        ({"currency": "BIR"}, "currency"),
        ({"position": -1}, "position"),
        ({"position": 2**31}, "position"),
        ({"is_active": "maybe"}, "is_active"),
        ({"min_days": 3}, "max_days"),
        ({"max_days": 3}, "min_days"),
        ({"min_days": 3, "max_days": 2}, "max_days"),
        ({"min_days": 1, "max_days": 366}, "max_days"),
        ({"bands": None}, "bands"),
        ({"bands": {}}, "bands"),
        ({"bands": []}, "bands"),
        ({"bands": [1]}, "bands[0]"),
        ({"bands": [{}]}, "bands[0].price"),
        ({"bands": [{"price": "-1"}]}, "bands[0].price"),
        ({"bands": [{"price": 5}]}, "bands[0].price"),
        ({"bands": [{"price": "1.005"}]}, "bands[0].price"),
        (_bands({"free_from": "0.001"}), "bands[0].free_from"),
        (_bands({"country": "XX"}), "bands[0].country"),
        (_bands({"country": "et"}), "bands[0].country"),
        (_bands({"region": "Oromia"}), "bands[0].country"),
        (_bands({"min_weight_grams": -1}), "bands[0].min_weight_grams"),
        (_bands({"min_weight_grams": 1.5}), "bands[0].min_weight_grams"),
        (_bands({"max_weight_grams": 0}), "bands[0].max_weight_grams"),
        (_bands({"min_weight_grams": 5, "max_weight_grams": 5}), "bands[0].max_weight_grams"),
        (_bands({"max_weight_grams": 2**31}), "bands[0].max_weight_grams"),
        (_bands({}, {}), "bands[1].min_weight_grams"),
        (_bands({"country": "ET", "min_weight_grams": 9}, {"country": "ET"}), "bands[0].min_weight_grams"),
        (
            _bands({"max_weight_grams": 9}, {"min_weight_grams": 8, "max_weight_grams": 10}),
            "bands[1].min_weight_grams",
        ),
        (
            _bands({"country": "ET", "region": "A b"}, {"country": "ET", "region": " a  B"}),
            "bands[1].min_weight_grams",
        ),
        (
            {"bands": [{"price": "1", "min_weight_grams": n, "max_weight_grams": n + 1} for n in range(501)]},
            "bands",
        ),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nothing_is_stored(client, method, staff, wrong, path):
    answer = client.post(URL, json=BODY | wrong, headers=staff)
    assert answer.status_code == 422, answer.json
    assert path in [error["path"] for error in answer.json["errors"]]
    made = method("other")
    url = f"{URL}{made['id']}/"
    assert client.put(url, json=BODY | wrong, headers=staff).status_code == 422
    assert client.patch(url, json=wrong, headers=staff).status_code == 422
    assert [m["code"] for m in client.get(URL, headers=staff).json["results"]] == ["other"]
    assert client.get(url, headers=staff).json == made


@pytest.mark.parametrize("body", ["[1]", "1", '"x"', "{", "null"])
def test_a_body_of_another_shape_is_refused(client, staff, body):
    answer = client.post(URL, data=body, content_type="application/json", headers=staff)
    assert answer.status_code in (400, 422) and answer.json["code"].startswith("kernel.")


def test_bands_that_only_touch_stand_beside_one_another(client, staff):
    bands = _bands(
        {"max_weight_grams": 9}, {"min_weight_grams": 9}, {"country": "ET"}, {"country": "ET", "region": "A"}
    )
    assert client.post(URL, json=BODY | bands, headers=staff).status_code == 201


def test_only_staff_keep_methods(app, client, method):
    url = f"{URL}{method()['id']}/"
    for headers, status in ((None, 401), (auth_headers(app), 403), (auth_headers(app, "seller"), 403)):
        assert client.post(URL, json=BODY, headers=headers).status_code == status
        for verb in (client.get, client.put, client.patch, client.delete):
            assert verb(url, json=BODY, headers=headers).status_code == status
        assert client.get(f"{URL}managed/", headers=headers).status_code == status


def test_a_method_that_does_not_exist_is_404(client, staff):
    url = f"{URL}{new_id()}/"
    for answer in (
        client.get(url, headers=staff),
        client.put(url, json=BODY, headers=staff),
        client.patch(url, json={"title": "x"}, headers=staff),
        client.delete(url, headers=staff),
        client.delete(url, headers=staff | {"If-Match": '"x"'}),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "shipping.method_not_found")


def test_a_change_made_from_an_old_copy_is_refused(client, method, staff):
    url = f"{URL}{method()['id']}/"
    etag = client.get(url, headers=staff).headers["ETag"]
    first = client.patch(url, json={"title": "One"}, headers=staff | {"If-Match": etag})
    assert first.status_code == 200
    for verb in (client.patch, client.put, client.delete):
        answer = verb(url, json=BODY, headers=staff | {"If-Match": etag})
        assert (answer.status_code, answer.json["code"]) == (412, "kernel.precondition_failed")
    second = client.patch(url, json={"title": "Two"}, headers=staff | {"If-Match": first.headers["ETag"]})
    assert second.status_code == 200 and second.json["title"] == "Two"


def test_tables_of_prices_that_are_sent_at_once_never_mix(app, method, staff):
    url = f"{URL}{method()['id']}/"
    tables = [
        [
            {"price": str(n), "min_weight_grams": 10 * i, "max_weight_grams": 10 * i + 10}
            for i in range(n, n + 3)
        ]
        for n in range(8)
    ]

    def put(bands):
        return app.test_client().patch(url, json={"bands": bands}, headers=staff)

    answers = in_threads([lambda bands=bands: put(bands) for bands in tables])
    assert {answer.status_code for answer in answers} == {200}
    shown = app.test_client().get(url, headers=staff).json["bands"]
    assert len(shown) == 3 and len({band["price"] for band in shown}) == 1


def test_of_methods_of_one_code_that_are_sent_at_once_one_is_made(app, staff):
    answers = in_threads([lambda: app.test_client().post(URL, json=BODY, headers=staff)] * 6)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    with app.app_context(), reading() as session:
        assert session.execute(text("SELECT count(*) FROM shipping_band")).scalar_one() == 1


def test_reads_and_writes_take_as_many_queries_whatever_the_number_of_prices(app, client, method, staff):
    many = [{"price": "1", "min_weight_grams": n, "max_weight_grams": n + 1} for n in range(200)]
    url = f"{URL}{method('post', *many)['id']}/"
    for bands in (many[:1], many):
        with count_queries(app) as queries:
            assert client.put(url, json=BODY | {"bands": bands}, headers=staff).status_code == 200
        assert len(queries) == 7, str(queries)
        with count_queries(app) as queries:
            client.get(url, headers=staff)
        assert len(queries) == 1, str(queries)


@pytest.mark.parametrize(
    "broken",
    [
        {"country": None, "region": "Oromia"},
        {"min_weight_grams": 5, "max_weight_grams": 5},
        {"min_weight_grams": -1},
        {"price_minor": -1},
        {"free_from_minor": -1},
        {"country": "et"},
        {"currency": "USD"},
        {},
    ],
)
def test_the_database_refuses_bands_that_break_a_rule(app, method, broken):
    method("post", {"country": "ET", "price": "1"})
    with app.app_context(), pytest.raises(IntegrityError), transaction() as session:
        method_id = session.execute(select(ShippingMethod.id)).scalar_one()
        values = {"method_id": method_id, "country": "ET", "price_minor": 1, "currency": "ETB"}
        session.add(ShippingBand(**values | broken))
        session.flush()
