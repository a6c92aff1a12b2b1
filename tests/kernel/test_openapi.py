"""The OpenAPI document: valid, the same in every order of loading, and named by the naming law."""

import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from nexus_kernel import StartupError
from nexus_kernel.api.openapi import component_name

PLUGIN = """
MANIFEST = Manifest(name="{name}", summary="", url_prefixes=("/api/{name}/",))
blp = Blueprint("{name}", __name__, url_prefix="/api/{name}", description="Things.")

class PartSchema(Schema):
    name = Text(20, required=True)

class ItemSchema(Schema):
    price = Amount(required=True)
    currency = Currency(required=True)
    parts = ma.fields.List(ma.fields.Nested(PartSchema))

class ItemQuery(PageQuery):
    q = Text(50)

@blp.get("/items/")
@blp.public
@blp.arguments(ItemQuery, location="query")
@blp.response(200, page_of(ItemSchema))
def list_items(args):
    "List the items."

@blp.post("/items/", aliases=("/things/",))
@blp.requires("{name}.item.write")
@blp.idempotent()
@blp.arguments(ItemSchema)
@blp.response(201, ItemSchema)
def make_item(args):
    "Make an item."

@blp.get("/items/<uuid:item_id>/")
@blp.requires()
@blp.response(200, ItemSchema)
def get_item(item_id):
    "Show one item."

@hookimpl
def nexus_blueprints(): return [blp]
@hookimpl
def nexus_permissions(): return [Permission("{name}.item.write", "Write")]
"""


@pytest.fixture
def plugins(write_plugin):
    return [write_plugin(PLUGIN.format(name=name)) for name in ("moon", "pay", "pay_chapa")]


@pytest.fixture
def document(start, plugins) -> dict:
    return start(*plugins).test_client().get("/api/schema/").json


def operations(document):
    return {
        op["operationId"]: op
        for path in document["paths"].values()
        for op in path.values()
        if "operationId" in op
    }


def test_the_document_of_an_empty_kernel_is_valid_openapi_3_1(start):
    document = start().test_client().get("/api/schema/").json
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_the_document_of_plugins_is_valid_openapi_3_1(document):
    OpenAPIV31SpecValidator(document).validate()


def test_every_order_of_loading_gives_the_same_bytes(start, plugins):
    made = {start(*order).test_client().get("/api/schema/").data for order in (plugins, plugins[::-1])}
    assert len(made) == 1


def test_the_routes_and_components_are_those_of_the_loaded_plugins_only(start, plugins):
    document = start(plugins[0]).test_client().get("/api/schema/").json
    assert all(path.startswith("/api/moon/") for path in document["paths"])
    assert {name.removeprefix("Moon") for name in document["components"]["schemas"]} >= {
        "Item",
        "Part",
        "ItemPage",
    }


def test_two_schemas_of_one_name_are_two_components(document):
    names = set(document["components"]["schemas"])
    assert {"MoonItem", "PayItem", "PayChapaItem", "PayItemPage", "PayChapaItemPage"} <= names
    assert not [name for name in names if name.endswith("1")]


@pytest.mark.parametrize(
    ("owner", "name", "component"),
    [
        ("cart", "CartSchema", "Cart"),
        ("cart", "CartItemSchema", "CartItem"),
        ("cart", "ItemSchema", "CartItem"),
        ("cart", "CartoonSchema", "CartCartoon"),
        ("payments_chapa", "PaymentsSchema", "PaymentsChapaPayments"),
    ],
)
def test_a_component_begins_with_its_owner_as_a_whole_word(owner, name, component):
    assert component_name(owner, type(name, (), {})) == component


def test_an_operation_is_named_after_its_plugin_and_its_view(document):
    assert {"moon_list_items", "moon_make_item", "pay_get_item"} <= set(operations(document))
    assert len(operations(document)) == 9, "an alias is not an operation of its own"


def test_a_closed_route_demands_the_bearer_and_a_public_one_nothing(document):
    found = operations(document)
    assert found["moon_make_item"]["security"] == [{"bearer": []}] == found["moon_get_item"]["security"]
    assert found["moon_list_items"]["security"] == []
    assert document["security"] == [{"bearer": []}]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_every_operation_documents_its_errors_as_problem_details(document):
    problem = document["components"]["responses"]["Problem"]["content"]
    assert list(problem) == ["application/problem+json"]
    for operation in operations(document).values():
        assert {"$ref": "#/components/responses/Problem"} in operation["responses"].values()


def test_every_documented_error_is_the_problem(document):
    for operation in operations(document).values():
        for status, response in operation["responses"].items():
            component = response.get("$ref", "").rpartition("/")[2]
            assert status.startswith("2") or list(
                document["components"]["responses"][component]["content"]
            ) == ["application/problem+json"]


def test_an_idempotent_operation_documents_its_header(document):
    names = {p["name"]: p["in"] for p in operations(document)["moon_make_item"]["parameters"] if "name" in p}
    assert names.get("Idempotency-Key") == "header"


def test_an_amount_is_documented_as_a_string_with_a_pattern(document):
    price = document["components"]["schemas"]["MoonItem"]["properties"]["price"]
    assert price["type"] == "string" and price["pattern"].startswith("^")


def test_unknown_fields_are_documented_as_refused(document):
    assert document["components"]["schemas"]["MoonItem"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "use", ['ItemSchema(only=("price",))', 'ItemSchema(exclude=("price",))', "ItemSchema(partial=True)"]
)
def test_a_narrowed_schema_is_refused_with_a_sentence(start, write_plugin, use):
    source = PLUGIN.format(name="moon").replace("@blp.arguments(ItemSchema)", f"@blp.arguments({use})")
    app = start(write_plugin(source))
    for _ in range(2):
        with pytest.raises(StartupError, match="`only`, `exclude` or `partial` needs a class of its own"):
            app.extensions["nexus"].api.document()


def test_the_document_has_an_etag_and_holds_no_host(start, plugins):
    client = start(*plugins).test_client()
    first = client.get("/api/schema/", headers={"Host": "shop.example"})
    again = client.get("/api/schema/", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.data == b""
    assert "shop.example" not in json.dumps(first.json)
