"""Rates: what staff may keep, and what is refused."""

import pytest
from nexus_tax.models import TaxRate
from nexus_tax.schemas import RateSchema
from sqlalchemy.exc import IntegrityError

from nexus_kernel import migrations, new_id, transaction
from nexus_kernel.testing import auth_headers, count_queries, in_threads

URL = "/api/tax/rates/"
BODY = {"country": "ET", "label": "VAT", "rate": "0.15", "included": False}
NEW_YEAR = "2027-01-01T00:00:00+03:00"


def test_the_models_are_the_tables(app):
    assert migrations.check(app) == []
    migrations.downgrade(app, "tax")
    migrations.upgrade(app)
    assert migrations.check(app) == []


def test_a_rate_is_shown_as_it_was_entered(client, staff):
    body = BODY | {"label": "ተ.እ.ታ", "region": "አዲስ አበባ", "rate": "0.08870", "valid_from": NEW_YEAR}
    made = client.post(URL, json=body, headers=staff)
    assert made.status_code == 201, made.json
    shown = client.get(made.headers["Location"], headers=staff).json
    assert shown == made.json and set(shown) == set(RateSchema().fields)
    assert RateSchema().validate(shown) == {}
    assert (shown["label"], shown["region"], shown["rate"]) == ("ተ.እ.ታ", "አዲስ አበባ", "0.0887")
    assert (shown["applies_to_shipping"], shown["is_active"], shown["valid_to"]) == (True, True, None)
    assert shown["valid_from"].startswith("2026-12-31T21:00:00")


def test_they_are_listed_by_place_and_label_a_page_a_query(app, client, rate, staff):
    rate(country="KE"), rate(label="Levy"), rate(), rate(label="Levy", region="Oromia")
    with count_queries(app) as queries:
        page = client.get(f"{URL}?page_size=2", headers=staff).json
    assert len(queries) == 1 and page["count"] == 4, str(queries)
    rest = client.get(page["next"], headers=staff).json["results"]
    assert {name for each in rest for name in each} == set(RateSchema().fields)
    listed = [(r["country"], r["region"], r["label"]) for r in page["results"] + rest]
    assert listed == [("ET", "", "Levy"), ("ET", "", "VAT"), ("ET", "Oromia", "Levy"), ("KE", "", "VAT")]
    assert [r["country"] for r in client.get(f"{URL}?country=KE", headers=staff).json["results"]] == ["KE"]
    assert client.get(f"{URL}?country=XX", headers=staff).status_code == 422


def test_what_is_left_out_of_a_patch_stays_and_of_a_put_gets_its_default(client, rate, staff):
    made = rate(region="Oromia", applies_to_shipping=False, valid_to=NEW_YEAR)
    url = f"{URL}{made['id']}/"
    patched = client.patch(url, json={"rate": "0.2"}, headers=staff).json
    assert patched == made | {"rate": "0.2", "updated_at": patched["updated_at"]}
    assert client.patch(url, json={}, headers=staff).json == patched
    put = client.put(url, json=BODY, headers=staff).json
    assert (put["region"], put["applies_to_shipping"], put["valid_to"]) == ("", True, None)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"country": "XX"}, "country"),
        ({"country": None}, "country"),
        ({"region": "x" * 101}, "region"),
        ({"region": None}, "region"),
        ({"label": " "}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"rate": 0.15}, "rate"),
        ({"rate": "15"}, "rate"),
        ({"rate": "1.1"}, "rate"),
        ({"rate": "-0.1"}, "rate"),
        ({"rate": "0.000001"}, "rate"),
        ({"rate": "1e-2"}, "rate"),
        ({"rate": "NaN"}, "rate"),
        ({"rate": "0.1\n"}, "rate"),
        ({"rate": "\u0660.\u0661"}, "rate"),
        ({"rate": True}, "rate"),
        ({"rate": None}, "rate"),
        ({"included": "perhaps"}, "included"),
        ({"included": None}, "included"),
        ({"valid_from": "2027-01-01T00:00:00"}, "valid_from"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"valid_from": NEW_YEAR, "valid_to": NEW_YEAR}, "valid_to"),
        ({"category": "food"}, "category"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_nothing_is_stored(client, rate, staff, wrong, path):
    made = rate(label="Levy")
    url = f"{URL}{made['id']}/"
    for verb, address, body in (
        (client.post, URL, BODY | wrong),
        (client.put, url, BODY | wrong),
        (client.patch, url, wrong),
    ):
        answer = verb(address, json=body, headers=staff)
        assert answer.status_code == 422 and path in [e["path"] for e in answer.json["errors"]], answer.json
    assert client.get(URL, headers=staff).json["results"] == [made]


@pytest.mark.parametrize("body", ["[1]", "1", '"x"', "{", "null"])
def test_a_body_of_another_shape_is_refused(client, staff, body):
    answer = client.post(URL, data=body, content_type="application/json", headers=staff)
    assert answer.status_code in (400, 422) and answer.json["code"].startswith("kernel.")


@pytest.mark.parametrize("given", ["0", "0.0", "1", "1.00000", "0.00001", "0.99999"])
def test_rates_from_nothing_to_the_whole_are_taken(rate, given):
    assert float(rate(given)["rate"]) == float(given)


def test_active_rates_of_one_place_and_label_never_overlap(client, rate, staff):
    first = rate(region="Oromia", valid_to=NEW_YEAR)
    overlapping = BODY | {"region": " OROMIA", "valid_from": "2026-12-31T00:00:00Z"}
    refused = client.post(URL, json=overlapping, headers=staff)
    assert (refused.status_code, refused.json["code"]) == (409, "tax.rate_exists")
    assert refused.json["rate_id"] == first["id"] and refused.json["errors"][0]["path"] == "label"
    second = rate(region="Oromia", valid_from=NEW_YEAR)
    rate(region="Oromia", label="Levy"), rate(region=""), rate(country="KE", region="Oromia")
    off = rate(region="Oromia", is_active=False)
    for url, changes in (
        (f"{URL}{second['id']}/", {"valid_from": None}),
        (f"{URL}{off['id']}/", {"is_active": True}),
    ):
        answer = client.patch(url, json=changes, headers=staff)
        assert (answer.status_code, answer.json["code"]) == (409, "tax.rate_exists")
    assert client.patch(f"{URL}{first['id']}/", json={"rate": "0.1"}, headers=staff).status_code == 200


def test_of_rates_that_are_sent_at_once_one_is_made(app, staff):
    bodies = [BODY | {"valid_from": f"2027-01-0{n}T00:00:00Z"} for n in range(1, 7)]
    answers = in_threads(
        [lambda body=body: app.test_client().post(URL, json=body, headers=staff) for body in bodies]
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert app.test_client().get(URL, headers=staff).json["count"] == 1


def test_rates_that_are_moved_onto_one_another_at_once_do_not_overlap(app, rate, staff):
    ids = [rate(label=label)["id"] for label in ("A", "B", "C", "D")]
    answers = in_threads(
        [
            lambda id_=id_: app.test_client().patch(f"{URL}{id_}/", json={"label": "VAT"}, headers=staff)
            for id_ in ids
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


def test_only_staff_keep_rates(app, client, rate):
    url = f"{URL}{rate()['id']}/"
    for headers, status in ((None, 401), (auth_headers(app), 403), (auth_headers(app, "seller"), 403)):
        assert client.get(URL, headers=headers).status_code == status
        assert client.post(URL, json=BODY, headers=headers).status_code == status
        for verb in (client.get, client.put, client.patch, client.delete):
            assert verb(url, json=BODY, headers=headers).status_code == status


def test_a_rate_that_does_not_exist_is_404(client, staff):
    url = f"{URL}{new_id()}/"
    for answer in (
        client.get(url, headers=staff),
        client.put(url, json=BODY, headers=staff),
        client.patch(url, json={"label": "x"}, headers=staff),
        client.delete(url, headers=staff),
    ):
        assert (answer.status_code, answer.json["code"]) == (404, "tax.rate_not_found")


def test_a_change_made_from_an_old_copy_is_refused(client, rate, staff):
    url = f"{URL}{rate()['id']}/"
    etag = client.get(url, headers=staff).headers["ETag"]
    first = client.patch(url, json={"rate": "0.1"}, headers=staff | {"If-Match": etag})
    assert first.status_code == 200
    for verb in (client.patch, client.put, client.delete):
        answer = verb(url, json=BODY, headers=staff | {"If-Match": etag})
        assert (answer.status_code, answer.json["code"]) == (412, "kernel.precondition_failed")
    assert client.delete(url, headers=staff | {"If-Match": first.headers["ETag"]}).status_code == 204


@pytest.mark.parametrize(
    "broken",
    [
        {"rate": "1.1"},
        {"rate": "-0.1"},
        {"label": ""},
        {"country": "et"},
        {"valid_from": NEW_YEAR, "valid_to": NEW_YEAR},
        {"label": "VAT"},
    ],
)
def test_the_database_refuses_rates_that_break_a_rule(app, rate, broken):
    rate()
    values = {"country": "ET", "label": "Levy", "rate": "0.1", "included": False}
    with app.app_context(), pytest.raises(IntegrityError), transaction() as session:
        session.add(TaxRate(**values | broken))
        session.flush()
