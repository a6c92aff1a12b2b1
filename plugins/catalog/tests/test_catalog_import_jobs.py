"""Imports and exports over HTTP: received whole, imported once, whatever happens to the worker."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from uuid import UUID

import pytest
from nexus_catalog.importing import chunks, jobs, run
from nexus_catalog.models import Import, ImportChunk, Product
from nexus_catalog.tasks import sweep_imports
from sqlalchemy import func, select, text, update

from nexus_kernel import reading, transaction
from nexus_kernel.outbox import OutboxEvent
from nexus_kernel.testing import auth_headers, count_queries, drain, in_threads
from nexus_kernel.testing.fixtures import SECRET_KEY

HEADER = "sku,title,description,category,price,stock"
GOOD = f"{HEADER}\nL-1,Red lantern,Glows,Home > Garden,12.50,3\nL-2,ፋኖስ,,,7,0\n"
IMPORTS = "/api/catalog/imports/"


@pytest.fixture
def send(client, staff):
    """Sends a file in; the answer."""

    def send(content: str | bytes, query: str = "", content_type: str = "text/csv"):
        return client.post(
            f"{IMPORTS}?{query}", data=content, headers=staff, content_type=f"{content_type}; charset=utf-8"
        )

    return send


@pytest.fixture
def look(client, staff):
    """The import as it stands."""
    return lambda import_id: client.get(f"{IMPORTS}{import_id}/", headers=staff).json


def rows(count: int) -> str:
    return f"{HEADER}\n" + "".join(f"L-{n},Lantern {n % 50},,A > B{n % 7},{n},{n}\n" for n in range(count))


def counted(app, model) -> int:
    with app.app_context(), reading() as session:
        return session.scalar(select(func.count()).select_from(model))


def counts(found: dict) -> tuple[int, int, int, int]:
    return tuple(found["counts"][name] for name in ("created", "updated", "unchanged", "refused"))


def test_what_is_sent_in_is_imported_by_a_worker_and_its_refused_rows_can_be_had(
    app, client, staff, send, look
):
    answer = send(GOOD + "L-3,Bad,,,x,1\n")
    assert answer.status_code == 202 and answer.json["state"] == "queued" and answer.json["progress"] == 0
    assert answer.headers["Location"] == f"{IMPORTS}{answer.json['id']}/"
    assert client.get("/api/catalog/products/").json["count"] == 0
    drain(app)
    found = look(answer.json["id"])
    assert (found["state"], found["progress"], counts(found)) == ("done", 100, (2, 0, 0, 1))
    refused = client.get(found["refused_url"], headers=staff)
    assert refused.mimetype == "text/csv" and "attachment" in refused.headers["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(refused.text))
    assert row["line"] == "4" and row["sku"] == "L-3" and "price must be" in row["reason"]
    mended = send(refused.text.replace(",x,1", ",5,1"))
    drain(app)
    assert counts(look(mended.json["id"])) == (1, 0, 0, 0)
    assert [job["id"] for job in client.get(IMPORTS, headers=staff).json["results"]] == [
        mended.json["id"], answer.json["id"],
    ]  # fmt: skip


def test_json_lines_a_dry_run_and_the_stock_are_options(app, client, send, look):
    line = json.dumps(dict(zip(HEADER.split(","), ["L-1", "Lamp", "", "", "5", 1], strict=True)))
    dry = send(line, "dry_run=true", "application/x-ndjson").json["id"]
    drain(app)
    assert counts(look(dry)) == (1, 0, 0, 0) and client.get("/api/catalog/products/").json["count"] == 0
    for content in (line, line.replace("1}", "9}")):
        last = send(content, "set_stock=true&currency=KWD", "application/x-ndjson").json["id"]
        drain(app)
    assert counts(look(last)) == (0, 1, 0, 0) and look(last)["currency"] == "KWD"
    assert client.get("/api/catalog/products/lamp/").json["stock_quantity"] == 9


@pytest.mark.parametrize(
    ("content", "query", "kind", "status"),
    [
        (b"", "", "text/csv", 422),
        (b"x", "", "application/json", 415),
        (b"x", "", "multipart/form-data", 415),
        (b"x", "currency=BIR", "text/csv", 422),
        (b"x", "dry_run=maybe", "text/csv", 422),
    ],
)
def test_a_bad_request_stores_nothing(app, send, content, query, kind, status):
    answer = send(content, query, kind)
    assert answer.status_code == status and answer.mimetype == "application/problem+json"
    assert counted(app, Import) == counted(app, ImportChunk) == 0


def test_a_file_without_sense_fails_with_a_sentence(app, send, look):
    for content, words in (("a,b\n", "must name the columns"), (b"\xff\xfe", "UTF-16")):
        answer = send(content)
        drain(app)
        found = look(answer.json["id"])
        assert found["state"] == "failed" and words in found["error"] and found["refused_url"] is None


def test_only_staff_may_import_and_export(app, client, send):
    import_id = send(GOOD).json["id"]
    for headers, status in ((None, 401), (auth_headers(app, "seller"), 403), (auth_headers(app), 403)):
        for path in (
            IMPORTS,
            f"{IMPORTS}{import_id}/",
            f"{IMPORTS}{import_id}/refused/",
            "/api/catalog/export/",
        ):
            assert client.get(path, headers=headers).status_code == status
        answer = client.post(IMPORTS, data=GOOD, headers=headers, content_type="text/csv")
        assert answer.status_code == status
    assert counted(app, Import) == 1


def test_what_is_not_there_is_404(app, client, staff, send):
    import_id = send(GOOD).json["id"]
    for path in (
        f"{IMPORTS}{UUID(int=1)}/",
        f"{IMPORTS}{UUID(int=1)}/refused/",
        f"{IMPORTS}{import_id}/refused/",
    ):
        answer = client.get(path, headers=staff)
        assert (answer.status_code, answer.json["code"]) == (404, "catalog.import_not_found")


class TestLarge:
    """Files beyond the limit of other bodies."""

    @pytest.fixture
    def nexus_config(self):
        return {"catalog": {"import_max_bytes": 3_000_000}}

    def test_a_file_larger_than_other_bodies_is_taken_and_one_beyond_its_own_limit_is_not(
        self, app, send, look
    ):
        large = GOOD + "L-3," + "x" * 2_500_000 + "\n"
        answer = send(large)
        assert answer.status_code == 202 and counted(app, ImportChunk) == 10
        drain(app)
        assert counts(look(answer.json["id"])) == (2, 0, 0, 1)
        assert send(large + "x" * 600_000).status_code == 413
        assert counted(app, Import) == 1


def test_a_message_that_comes_twice_or_to_several_workers_imports_once(app, send, look):
    import_id = send(rows(60)).json["id"]

    def work() -> None:
        with app.app_context():
            jobs.run_import(UUID(import_id))

    in_threads([work] * 4)
    work()
    assert counts(look(import_id)) == (60, 0, 0, 0) and counted(app, Product) == 60
    assert counted(app, OutboxEvent) == 1


def test_an_import_whose_message_was_lost_is_found_by_the_sweep(app, send, look):
    import_id = send(GOOD).json["id"]
    app.extensions["nexus"].dispatcher.sent.clear()
    with app.app_context():
        sweep_imports.function()
    drain(app)
    assert look(import_id)["state"] == "done"


def test_a_worker_that_lost_its_claim_stores_nothing_more(app, send, look, monkeypatch):
    monkeypatch.setattr(run, "BATCH", 10)
    import_id = send(rows(40)).json["id"]
    real = jobs._write

    def stolen(session, job, **values):
        if "done_line" in values and counted(app, Product) >= 20:
            with app.extensions["nexus"].db.engine.begin() as connection:
                connection.execute(update(Import).values(claim=UUID(int=7)))
        real(session, job, **values)

    monkeypatch.setattr(jobs, "_write", stolen)
    with app.app_context():
        jobs.run_import(UUID(import_id))
    assert counted(app, Product) == 10 and look(import_id)["counts"]["created"] == 10
    monkeypatch.setattr(jobs, "_write", real)
    with app.app_context():
        with transaction() as session:
            session.execute(update(Import).values(claimed_until=func.now() - text("INTERVAL '1 second'")))
        jobs.run_import(UUID(import_id))
    assert counts(look(import_id)) == (40, 0, 0, 0) and counted(app, Product) == 40


def test_an_import_that_workers_die_of_is_given_up(app, send, look):
    import_id = send(GOOD).json["id"]
    with app.app_context(), transaction() as session:
        session.execute(update(Import).values(attempts=jobs.MOST_ATTEMPTS))
    drain(app)
    assert look(import_id)["state"] == "failed" and "never ended" in look(import_id)["error"]
    assert counted(app, ImportChunk) == 0


def test_finished_files_are_forgotten_and_old_imports_too(app, client, staff, send):
    send(GOOD + "L-3,,,,x,1\n")
    drain(app)
    with app.app_context(), reading() as session:
        assert session.scalars(select(ImportChunk.kind)).all() == ["refused"]
    with app.app_context():
        jobs.prune_imports()
        assert counted(app, Import) == 1
        with transaction() as session:
            session.execute(update(Import).values(finished_at=text("now() - INTERVAL '31 days'")))
        jobs.prune_imports()
    assert counted(app, Import) == counted(app, ImportChunk) == 0


def test_files_are_pieces_that_are_read_as_they_were_written(app, send, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 7)
    import_id = UUID(send(GOOD).json["id"])
    with app.app_context():
        assert b"".join(chunks.read_chunks(import_id, "input")) == GOOD.encode()
        reader = io.BufferedReader(chunks.ChunkReader(import_id, "input"), 5)
        assert reader.read() == GOOD.encode()


def test_files_of_this_machine_are_never_read_for_an_import_over_http(app, send, look, client, staff):
    content = f"{HEADER},images\nL-1,Lamp,,,5,1,/etc/hostname\n"
    import_id = send(content).json["id"]
    drain(app)
    found = look(import_id)
    assert found["counts"]["images_refused"] == 1 and found["counts"]["created"] == 1
    refused = client.get(found["refused_url"], headers=staff).text
    assert "only http and https addresses are taken here" in refused


def test_the_list_takes_a_constant_number_of_queries(app, client, staff, send):
    for count in (1, 4):
        for _ in range(count):
            send(GOOD)
        with count_queries(app) as queries:
            client.get(IMPORTS, headers=staff)
        assert len(queries) == 1, str(queries)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_an_export_over_http_is_what_the_command_writes_and_imports_without_a_change(
    app, client, staff, send, look, sell, format
):
    sell("ቀይ ፋኖስ", description="=1+1"), sell("Cup")
    answer = client.get(f"/api/catalog/export/?format={format}", headers=staff)
    assert answer.status_code == 200 and answer.is_streamed and "ቀይ ፋኖስ" in answer.text
    kind = {"csv": "text/csv", "jsonl": "application/x-ndjson"}[format]
    assert answer.mimetype == kind and f"products.{format}" in answer.headers["Content-Disposition"]
    import_id = send(answer.data, "", kind).json["id"]
    drain(app)
    assert counts(look(import_id)) == (0, 0, 2, 0)


def test_an_export_of_an_unknown_category_is_404_and_of_an_unknown_format_422(client, staff):
    assert client.get("/api/catalog/export/?category=none", headers=staff).status_code == 404
    assert client.get("/api/catalog/export/?format=xml", headers=staff).status_code == 422


WORKER = """
import sys
from uuid import UUID
from nexus_catalog.importing import jobs, run
from nexus_kernel import create_app
run.BATCH = 50
with create_app(plugins=["catalog"]).app_context():
    jobs.run_import(UUID(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_worker_that_is_killed_is_followed_by_one_that_goes_on(
    app, send, look, database_url, nexus_engines, monkeypatch
):
    content = rows(3000) + "L-x,Bad,,,x,1\n"
    import_id = send(content.replace("L-0,Lantern", "L-0,Lantern,Bad cells\nL-0,Lantern", 1)).json["id"]
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "REDIS_URL": nexus_engines.redis_url,
        "NEXUS_KERNEL__ENVIRONMENT": "test",
        "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY,
    }
    process = subprocess.Popen([sys.executable, "-c", WORKER, import_id], env=environment)
    deadline = time.monotonic() + 60
    while counted(app, Product) < 500:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = look(import_id)
    assert found["state"] == "running" and 500 <= found["counts"]["created"] == counted(app, Product) < 3000
    drain(app)
    assert look(import_id)["counts"]["created"] == found["counts"]["created"], "the claim still holds"
    with app.app_context(), transaction() as session:
        session.execute(update(Import).values(claimed_until=func.now() - text("INTERVAL '1 second'")))
    with app.app_context():
        sweep_imports.function()
    drain(app)
    assert counts(look(import_id)) == (3000, 0, 0, 2) and look(import_id)["state"] == "done"
    assert counted(app, Product) == 3000


def test_a_compressed_body_is_no_csv_and_says_so(app, send, look):
    import_id = send(gzip.compress(GOOD.encode())).json["id"]
    drain(app)
    assert "gzip" in look(import_id)["error"]
