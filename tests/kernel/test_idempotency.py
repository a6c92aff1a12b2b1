"""`Idempotency-Key`: one effect and one reply, however often, from wherever and through whatever crash."""

import threading
from datetime import timedelta

import marshmallow as ma
import pytest
from flask import Response
from sqlalchemy import func, select, update
from sqlalchemy.orm import Mapped

from nexus_kernel import Blueprint, Conflict, Keyed, Manifest, Model, Schema, hookimpl, new_id, transaction
from nexus_kernel.api import idempotency
from nexus_kernel.api.idempotency import IdempotencyKey
from nexus_kernel.testing import auth_headers, in_threads

blp = Blueprint("once", __name__, url_prefix="/api/once")


class Effect(Keyed, Model):
    __tablename__ = "once_effect"

    what: Mapped[str]


class EffectSchema(Schema):
    what = ma.fields.String(required=True)


class Gate:
    """Lets a test hold a view in its middle, and break it there."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.closed = False
        self.failure: BaseException | None = None
        self.status = 201
        self.bare = False


gate = Gate()


def act(args):
    with transaction() as session:
        session.add(Effect(what=args["what"]))
        session.flush()
        gate.entered.set()
        if gate.closed:
            assert gate.go_on.wait(20)
        if gate.failure is not None:
            raise gate.failure
    if gate.status >= 500:
        return Response(b"{}", gate.status, content_type="application/json")
    made = new_id()
    headers = {} if gate.bare else {"Location": f"/here/{made}/", "ETag": f'"{made}"', "X-Odd": "1"}
    return {"what": args["what"], "id": str(made)}, gate.status, headers


for path, name in (("/acts/", "act_here"), ("/deeds/", "act_there")):
    view = blp.arguments(EffectSchema)(lambda args: act(args))
    view.__name__ = name
    blp.add_url_rule(path, name, blp.public(blp.idempotent()(blp.response(201)(view))), methods=["POST"])


class Once:
    MANIFEST = Manifest(name="once", summary="Once", url_prefixes=("/api/once/",))

    @hookimpl
    def nexus_blueprints(self):
        return [blp]

    @hookimpl
    def nexus_models(self):
        return [Effect]


@pytest.fixture(scope="session")
def nexus_plugins():
    return [Once()]


@pytest.fixture(autouse=True)
def table(app):
    gate.__init__()
    nexus = app.extensions["nexus"]
    nexus.db.metadata.tables["once_effect"].create(nexus.db.engine)


def send(app, key: str | None = "key-1", what: str = "buy", path: str = "/api/once/acts/", **headers: str):
    if key is not None:
        headers["Idempotency-Key"] = key
    return app.test_client().post(path, json={"what": what}, headers=headers)


def effects(app) -> int:
    with app.extensions["nexus"].db.reading() as session:
        return session.scalar(select(func.count()).select_from(Effect))


def claims(app) -> list[IdempotencyKey]:
    with app.extensions["nexus"].db.transaction() as session:
        return list(session.scalars(select(IdempotencyKey)))


def age(app, by: timedelta) -> None:
    with app.extensions["nexus"].db.transaction() as session:
        session.execute(update(IdempotencyKey).values(claimed_at=func.now() - by))


def test_the_same_key_gives_the_same_bytes_and_status_and_no_second_effect(app):
    first, second = send(app), send(app)
    assert (first.status_code, first.data, first.content_type) == (201, second.data, second.content_type)
    assert second.status_code == 201 and second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers and effects(app) == 1


def test_the_same_key_gives_the_same_location_and_etag(app):
    first, second = send(app), send(app)
    assert first.headers["ETag"] and second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Location"] == first.headers["Location"] == f"/here/{first.json['id']}/"
    assert "X-Odd" in first.headers and "X-Odd" not in second.headers


def test_a_reply_without_them_is_replayed_without_them(app):
    gate.bare = True
    assert send(app).status_code == 201
    second = send(app)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Location" not in second.headers and "ETag" not in second.headers


def test_a_key_with_a_token_that_does_not_hold_is_401_for_nobody_knows_whose_it_is(app):
    response = send(app, Authorization="Bearer expired")
    assert response.status_code == 401 and effects(app) == 0 and claims(app) == []
    assert send(app, None, Authorization="Bearer expired").status_code == 201


def test_a_guests_token_is_not_written_down_and_does_not_pass_for_a_person(app):
    person, token = new_id(), "guests-secret-token-of-a-cart"
    assert send(app, **{"X-Cart-Token": token}).status_code == 201
    (claim,) = claims(app)
    assert token not in claim.scope
    assert send(app, **{"X-Cart-Token": token}).headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in send(app, **{"X-Cart-Token": "another"}).headers
    assert "Idempotent-Replayed" not in send(app, **auth_headers(app, person_id=person)).headers
    assert "Idempotent-Replayed" not in send(app, **{"X-Cart-Token": str(person)}).headers
    assert effects(app) == 4


def test_without_a_key_every_request_has_its_effect(app):
    assert {send(app, None).status_code, send(app, None).status_code} == {201} and effects(app) == 2


def test_another_payload_under_the_same_key_is_422(app):
    send(app)
    response = send(app, what="sell")
    assert (response.status_code, response.json["code"]) == (422, "kernel.idempotency_key_reused")
    assert effects(app) == 1


def test_while_the_first_request_runs_a_second_is_409_with_retry_after(app):
    gate.closed = True
    thread = threading.Thread(target=lambda: send(app))
    thread.start()
    assert gate.entered.wait(20)
    response = send(app)
    gate.go_on.set()
    thread.join()
    assert (response.status_code, response.json["code"]) == (409, "kernel.idempotency_in_progress")
    assert int(response.headers["Retry-After"]) >= 1
    assert send(app).headers["Idempotent-Replayed"] == "true" and effects(app) == 1


def test_twenty_at_once_have_one_effect(app):
    replies = in_threads([lambda: send(app)] * 20)
    assert effects(app) == 1
    assert {reply.status_code for reply in replies} <= {201, 409}
    assert len({reply.data for reply in replies if reply.status_code == 201}) == 1


def test_a_rolled_back_effect_frees_the_key(app):
    gate.failure = Conflict("not now")
    assert send(app).status_code == 409 and effects(app) == 0 and claims(app) == []
    gate.failure = None
    assert send(app).status_code == 201 and effects(app) == 1


def test_invalid_input_frees_the_key(app):
    client = app.test_client()
    assert client.post("/api/once/acts/", json={}, headers={"Idempotency-Key": "key-1"}).status_code == 422
    assert send(app).status_code == 201


def test_a_bug_is_not_stored(app):
    gate.failure = RuntimeError("broken")
    assert send(app).status_code == 500 and claims(app) == []


def test_a_reply_of_5xx_is_not_stored(app):
    gate.status = 503
    assert send(app).status_code == 503 and claims(app) == [] and effects(app) == 0
    gate.status = 201
    assert send(app).status_code == 201


def test_the_reply_is_stored_in_the_transaction_of_the_effect(app, monkeypatch):
    def dies(*args) -> None:
        raise SystemExit("killed between the effect and the reply")

    monkeypatch.setattr(idempotency, "_store", dies)
    monkeypatch.setattr(idempotency, "_abandon", lambda *args: None)
    with pytest.raises(SystemExit):
        send(app)
    assert effects(app) == 0, "an effect without its reply would happen twice"
    assert [claim.status for claim in claims(app)] == [None]


def test_a_claim_whose_process_died_is_taken_over_after_a_while(app, monkeypatch):
    test_the_reply_is_stored_in_the_transaction_of_the_effect(app, monkeypatch)
    monkeypatch.undo()
    assert send(app).status_code == 409
    age(app, timedelta(minutes=2))
    replies = in_threads([lambda: send(app)] * 8)
    assert effects(app) == 1 and {reply.status_code for reply in replies} <= {201, 409}
    assert send(app).headers["Idempotent-Replayed"] == "true"


def test_who_was_taken_over_leaves_no_effect_behind(app):
    gate.closed = True
    slow: list = []
    thread = threading.Thread(target=lambda: slow.append(send(app)))
    thread.start()
    assert gate.entered.wait(20)
    age(app, timedelta(minutes=2))
    gate.closed = False
    fast = send(app)
    gate.go_on.set()
    thread.join()
    assert fast.status_code == 201 and slow[0].status_code == 409 and effects(app) == 1


def test_a_key_belongs_to_a_person(app):
    mine, yours = auth_headers(app), auth_headers(app)
    assert send(app, **mine).data != send(app, **yours).data
    assert send(app).headers.get("Idempotent-Replayed") is None and effects(app) == 3


def test_a_key_belongs_to_a_route(app):
    assert send(app).data != send(app, path="/api/once/deeds/").data and effects(app) == 2


@pytest.mark.parametrize(
    "key", ['"quoted"', "a:b/c?d=e&f", "%00", "'; drop table x; --", "é", "x" * 200, "a b"]
)
def test_a_key_may_hold_odd_characters(app, key):
    assert send(app, key).status_code == 201
    assert send(app, key).headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb", "\x7f"])
def test_an_empty_an_endless_or_an_unprintable_key_is_400(app, key):
    assert send(app, key).status_code == 400 and effects(app) == 0


def test_keys_older_than_a_day_are_pruned(app):
    send(app, "old")
    age(app, timedelta(hours=25))
    send(app, "young")
    with app.app_context():
        idempotency.prune.function()
    assert [claim.key for claim in claims(app)] == ["young"]


def test_a_quoted_key_is_the_key_between_its_quotes_and_an_empty_one_is_400(app):
    assert send(app, "key-1").status_code == send(app, '"key-1"').status_code == 201
    assert effects(app) == 1
    assert send(app, '""').status_code == 400 and effects(app) == 1
