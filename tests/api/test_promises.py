"""What every route of a shop promises: methods, slashes, bodies, parameters, ids.

The routes and their fields come from the OpenAPI document, so that a new one is held to the same.
"""

import json
from typing import Any

import pytest

from nexus_kernel import create_app

from .world import TILL, Snapshot, World

PLUGINS = ("accounts", "catalog", "cart", "orders", "payments", TILL)
DOCUMENT = create_app({"kernel": {"environment": "test"}}, plugins=PLUGINS).extensions["nexus"].api.document()
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method in METHODS
}
PATHS = sorted(DOCUMENT["paths"])
MISFITS: list[Any] = [None, True, -1, 0, 2**31, 2**63, 1e400, "", " ", "x" * 100_000, [], [[]], {}, {"a": {}}]
STRANGE = ("%00", "%ED%A0%80", "a" * 5000, "-1", "[]", str(2**31), "9" * 400, "%27%20OR%201=1--", "NaN")
UNSTORABLE = ("a\x00b", "a\u202eb\x1b", "\ud800")


@pytest.fixture(scope="session")
def nexus_plugins():
    return PLUGINS


def body_fields(operation: dict[str, Any]) -> list[str] | None:
    """The fields of its JSON body; None where it takes none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = content["schema"]["$ref"].rpartition("/")[2]
    return sorted(DOCUMENT["components"]["schemas"][name].get("properties", {}))


WITH_BODY = [label for label, operation in OPERATIONS.items() if body_fields(operation) is not None]
REQUIRED = {
    "PATCH /api/cart/cart/items/{item_id}/",
    "PATCH /api/catalog/variants/{variant_id}/stock/",
    "PATCH /api/orders/{order_id}/",
}
LISTS = [
    label
    for label, operation in OPERATIONS.items()
    if label.startswith("GET") and "page" in {p.get("name") for p in operation.get("parameters", [])}
]


class Asking:
    """Sends requests as an admin, who may send all of them; an address is reached by whose it is alone."""

    def __init__(self, world: World, label: str) -> None:
        method, _, path = label.partition(" ")
        known = world.known | world.special.get(label, {})
        names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        self.path = path.format(**{name: known[name][0] for name in names})
        self.method, self.world = method, world
        self.role = "member" if "{address_id}" in label else "admin"

    def __call__(self, *, method: str = "", path: str = "", query: str = "", **options: Any) -> Any:
        url = f"{path or self.path}{query and '?' + query}"
        headers = self.world.headers[self.role]
        return self.world.client.open(url, method=method or self.method, headers=headers, **options)

    def refused(self, *statuses: int, **options: Any) -> Any:
        """The problem that a request must be answered with."""
        answer = self(**options)
        assert answer.status_code in statuses, (self.method, self.path, options, answer.text)
        assert answer.content_type == "application/problem+json"
        return answer.json

    def json(self, body: Any) -> Any:
        """Send this as JSON, as a client that escapes everything would."""
        return {"data": json.dumps(body), "content_type": "application/json"}


@pytest.mark.parametrize("path", PATHS)
def test_head_and_options_work_and_other_methods_are_405_with_allow(world: World, path: str):
    here = {method.upper() for method in DOCUMENT["paths"][path] if method in METHODS}
    ask = Asking(world, f"{min(here)} {path}")
    allowed = ask(method="OPTIONS")
    assert allowed.status_code == 200 and here < set(allowed.headers["Allow"].split(", "))
    for method in {method.upper() for method in METHODS} - here:
        answer = ask(method=method)
        if path == "/api/catalog/products/managed/":
            assert answer.status_code in (404, 405, 422), "there is no product of this name"
        else:
            assert answer.status_code == 405
            assert answer.content_type == "application/problem+json"
            assert here <= set(answer.headers["Allow"].split(", "))
    if "GET" in here:
        query = "q=lantern" if "suggestions" in path else ""
        head, get = ask(method="HEAD", query=query), ask(method="GET", query=query)
        assert (head.status_code, head.data, head.content_type) == (get.status_code, b"", get.content_type)
        assert head.headers.get("ETag") == get.headers.get("ETag") and get.status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_missing_slash_is_a_redirect_that_keeps_the_method(world: World, path: str):
    here = min(method.upper() for method in DOCUMENT["paths"][path] if method in METHODS)
    ask = Asking(world, f"{here} {path}")
    answer = ask(path=ask.path.rstrip("/"), query="q=a%20b")
    assert (answer.status_code, answer.data) == (308, b"")
    assert answer.headers["Location"].startswith(f"{ask.path}?q=a")


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label.startswith("GET /api/catalog/")])
def test_what_anybody_may_read_has_an_etag_and_what_is_personal_is_not_stored(world: World, label: str):
    ask = Asking(world, label)
    query = "q=lantern" if "suggestions" in label else ""
    if OPERATIONS[label]["security"]:
        assert ask(query=query).headers["Cache-Control"] == "no-store"
        return
    first = world.client.get(ask.path, query_string=query)
    for etag in (first.headers["ETag"], f'"x", {first.headers["ETag"]}', "*"):
        again = world.client.get(ask.path, query_string=query, headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
    assert "Set-Cookie" not in first.headers


@pytest.mark.parametrize(
    "label", [label for label in OPERATIONS if label.startswith(("GET /api/cart/", "GET /api/orders/"))]
)
def test_what_is_ones_own_is_kept_by_no_cache(world: World, label: str):
    """A guest's cart is, too: its token is no Authorization header, at which a shared cache would stop."""
    path = Asking(world, label).path
    for who in ("member", "staff", "anonymous", *(("guest",) if "/cart/" in label else ())):
        answer = world.client.get(path, headers=world.headers[who])
        assert answer.headers["Cache-Control"] == "no-store", (who, answer.status_code)


@pytest.mark.parametrize("label", WITH_BODY)
def test_what_is_no_json_object_is_refused_and_changes_nothing(
    world: World, kept_world: tuple[World, Snapshot], label: str
):
    ask, (_, snapshot) = Asking(world, label), kept_world
    for text in ("{", "{'a': 1}", '{"a": 1', "\x00", "NaN", "{} {}"):
        assert ask.refused(400, data=text, content_type="application/json")["code"] == "kernel.malformed_json"
    for body in ([1], [], "x", 1, True):
        ask.refused(422, **ask.json(body))
    ask.refused(415, data={"name": "x"})
    ask.refused(415, data="name=x", content_type="text/plain")
    assert snapshot.changed() == set()


@pytest.mark.parametrize("label", WITH_BODY)
def test_an_unknown_field_is_refused_and_named(world: World, kept_world: tuple[World, Snapshot], label: str):
    ask, (_, snapshot) = Asking(world, label), kept_world
    for name in ("is_admin", "roles", "id", "__proto__", "a.b", "ሰላም"):
        if name not in body_fields(OPERATIONS[label]):
            problem = ask.refused(422, **ask.json({name: 1}))
            assert {"path": name, "code": "unknown", "message": "Unknown field."} in problem["errors"]
    assert snapshot.changed() == set()


@pytest.mark.parametrize("label", WITH_BODY)
def test_a_misfit_in_a_field_is_never_an_error_of_ours(world: World, label: str):
    ask = Asking(world, label)
    for name in body_fields(OPERATIONS[label]):
        for value in MISFITS:
            answer = ask(**ask.json({name: value}))
            assert answer.status_code < 500, (name, value, answer.text)
        for text in UNSTORABLE:
            problem = ask.refused(400, 422, **ask.json({name: text}))
            named = {error["path"].partition("[")[0].partition(".")[0] for error in problem["errors"]}
            assert problem["status"] == 400 or name in named or "password" in name, (name, text, problem)


@pytest.mark.parametrize("label", [label for label in WITH_BODY if label.startswith("PATCH")])
def test_a_change_of_nothing_changes_nothing(world: World, kept_world: tuple[World, Snapshot], label: str):
    ask, (_, snapshot) = Asking(world, label), kept_world
    answer = ask(**ask.json({}))
    assert answer.status_code in (200, 404, 422), answer.text
    if label in REQUIRED:
        assert answer.status_code == 422, "it has one field, and that is required"
    elif "reviews" not in label:
        assert answer.status_code == 200, answer.text
    assert snapshot.changed() == set()


@pytest.mark.parametrize("label", LISTS)
def test_the_parameters_of_every_list(world: World, label: str):
    ask = Asking(world, label)
    page = ask(query="page_size=1").json
    assert {"count", "next", "previous", "results"} <= page.keys() and len(page["results"]) <= 1
    assert len(ask(query="page_size=100").json["results"]) <= ask(query="page_size=100").json["count"]
    bad = ["page_size=0", "page_size=101", "page_size=-1", "page_size=x", f"page_size={2**31}", "page_size="]
    bad += [
        "page=0",
        "page=-1",
        "page=1.5",
        f"page={2**63}",
        "page=%00",
        "page=%D9%A1x",
        "cursor=%00",
        "cursor=x",
    ]
    for query in bad:
        errors = ask.refused(422, query=query)["errors"]
        assert errors[0]["path"] == query.partition("=")[0], query
    known = {parameter["name"]: parameter for parameter in OPERATIONS[label]["parameters"]}
    for name in known.keys() & {"sort", "state", "status", "act", "role"}:
        for value in ("--price", "price;drop", "-", "", "%00", "title,price"):
            assert ask.refused(422, query=f"{name}={value}")["errors"][0]["path"] == name
    for name in known.keys() - {"page", "page_size", "cursor", "product"}:
        for value in (
            "%00",
            "%ED%A0%80",
            "a" * 5000,
            "-1",
            "[]",
            "2147483648",
            "9" * 400,
            "%27%20OR%201=1--",
            "NaN",
        ):
            answer = ask(query=f"{name}={value}")
            assert answer.status_code in (200, 422), (name, value, answer.text)
    assert ask(query="utm_source=x&zz=1").json == ask().json, "an unknown parameter is none"


@pytest.mark.parametrize("label", LISTS)
def test_following_the_links_shows_each_row_once_and_keeps_what_was_asked(world: World, label: str):
    ask = Asking(world, label)
    whole = [json.dumps(row, sort_keys=True) for row in ask(query="page_size=100").json["results"]]
    for start in ("page_size=1", "page=1&page_size=1"):
        rows, page = [], ask(query=f"{start}&zz=9").json
        while True:
            rows += [json.dumps(row, sort_keys=True) for row in page["results"]]
            if page["next"] is None:
                break
            assert page["next"].startswith(f"{ask.path}?") and "page_size=1" in page["next"]
            assert "zz" not in page["next"]
            page = world.client.get(page["next"], headers=world.headers["admin"]).json
        assert rows == whole, start


@pytest.mark.parametrize("label", [label for label in OPERATIONS if "{" in label])
@pytest.mark.parametrize("key", ["1", "%00", "%ED%A0%80", "a" * 3000, "%F0%9F%92%A9", "None", "-1", "'"])
def test_an_id_that_is_none_is_404(world: World, label: str, key: str):
    """A body that does not hold may be refused first."""
    ask = Asking(world, label)
    _, _, template = label.partition(" ")
    known = world.known | world.special.get(label, {})
    names = [part.strip("{}") for part in template.split("/") if part.startswith("{")]
    for name in names:
        path = template.format(**({other: known[other][0] for other in names} | {name: key}))
        with_body = ask.method in ("POST", "PUT") or "patch" in label.lower()
        ask.refused(404, *((415, 422) if with_body else ()), path=path, json={})


@pytest.mark.parametrize(
    "path", ["..%2f..%2fhealthz", "%2e%2e/%2e%2e/etc/passwd", "//evil.example/", "\\evil.example"]
)
def test_no_path_leaves_the_api(world: World, path: str):
    answer = world.client.get(f"/api/catalog/products/{path}")
    assert answer.status_code in (308, 404), answer.text
    assert answer.headers.get("Location", "/api/").startswith("/api/")
