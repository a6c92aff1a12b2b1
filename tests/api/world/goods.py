"""What is for sale in the world, and what people say about it."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

from nexus_kernel.testing import drain

if TYPE_CHECKING:
    from .world import World

PRODUCTS, CATEGORIES, REVIEWS, VARIANTS = (
    f"/api/catalog/{name}/" for name in ("products", "categories", "reviews", "variants")
)
IMPORTS = "/api/catalog/imports/"
FILE = b"sku,title,description,category,price,stock\nI-1,Imported,,,5.00,1\nI-2,Dear,,,much,1\n"
COLOURS = [{"name": "Colour", "values": ["red", "blue", "green"]}]


def add_goods(world: "World") -> None:
    """Two sellers' products, one of them with variants and pictures, one retired, and reviews."""
    _categories(world)
    lantern = {"title": "Lantern", "price": "250.00", "stock_quantity": 30, "sku": "L-1"}
    made = world.post(PRODUCTS, {**lantern, "category_id": None}, "seller")
    world.ids |= {"product": made["id"], "variant": made["variants"][0]["id"]}
    basket = world.post(PRODUCTS, {"title": "Basket", "price": "99.00", "sku": "B-1"}, "rival")
    world.ids |= {"rival's product": basket["id"], "rival's variant": basket["variants"][0]["id"]}
    _variants(world)
    _pictures(world)
    _opinions(world)
    _imports(world)
    old = world.post(PRODUCTS, {"title": "Old lamp", "price": "5.00"}, "seller")
    world.ids["retired product"] = old["id"]
    world.send("DELETE", f"{PRODUCTS}old-lamp/", "seller", status=204)
    _say_what_is_known(world)


def _categories(world: "World") -> None:
    garden, empty = (world.post(CATEGORIES, {"name": name}, "staff")["id"] for name in ("Garden", "Attic"))
    lights = world.post(CATEGORIES, {"name": "Lights", "parent_id": garden}, "staff")["id"]
    world.ids |= {"category": lights, "empty category": empty}
    ids = [garden, lights, empty]
    world.know(category_id=ids, parent_id=[*ids, None], category=[*ids, "garden"], move_to=ids)


def _variants(world: "World") -> None:
    url = f"{PRODUCTS}lantern/"
    world.send("PUT", f"{url}options/", "seller", {"options": COLOURS})
    for colour, name in (("blue", "second variant"), ("green", "retired variant")):
        blue = {"price": "260.00", "option_values": {"Colour": colour}, "stock_quantity": 5}
        world.ids[name] = world.post(f"{url}variants/", blue, "seller")["id"]
    world.send("DELETE", f"{url}variants/{world.ids['retired variant']}/", "seller", status=204)
    world.send("PATCH", url, "seller", {"price": "240.00"})
    count = {"count": 20, "reason": "counted"}
    world.post(f"{VARIANTS}{world.ids['variant']}/stock/adjustments/", count, "seller")


def _pictures(world: "World") -> None:
    for product, seller, colour, name in (
        ("lantern", "seller", "red", "image"),
        ("lantern", "seller", "green", "second image"),
        ("basket", "rival", "yellow", "rival's image"),
    ):
        form = {"image": (BytesIO(world.picture(colour)), "picture.jpg")}
        url, headers = f"{PRODUCTS}{product}/images/", world.headers[seller]
        answer = world.client.post(url, data=form, headers=headers, content_type="multipart/form-data")
        assert answer.status_code == 201, answer.text
        world.ids[name] = answer.json["id"]


def _opinions(world: "World") -> None:
    for product, author, name in (
        ("lantern", "member", "review"),
        ("lantern", "other", "hidden review"),
        ("basket", "member", "review of a basket"),
    ):
        body = {"rating": 4, "title": "Bright", "body": "Glows."}
        world.ids[name] = world.post(f"{PRODUCTS}{product}/reviews/", body, author)["id"]
    world.post(f"{REVIEWS}{world.ids['hidden review']}/hide/", {"reason": "Spam."}, "staff", 200)


def _imports(world: "World") -> None:
    """A file with a row that is taken and one that is refused, as a worker leaves it."""
    answer = world.client.post(
        IMPORTS, data=FILE, headers=world.headers["staff"], content_type="text/csv; charset=utf-8"
    )
    assert answer.status_code == 202, answer.text
    world.ids["import"] = answer.json["id"]
    drain(world.app)


def _say_what_is_known(world: "World") -> None:
    ids = world.ids
    variants = [ids["variant"], ids["second variant"], ids["second variant"], ids["retired variant"]]
    world.know(
        product=[ids["product"], "lantern", "lantern", "basket"],
        variant_id=variants,
        image_id=[ids["image"], ids["second image"], ids["rival's image"]],
        review_id=[ids["review"], ids["review"], ids["hidden review"], ids["review of a basket"]],
        seller=[ids["seller"]],
        seller_id=[ids["seller"], ids["rival"], None],
        sku=["N-1"],
        slug=["new-slug"],
        q=["lantern", "lan"],
        currency=["ETB"],
        price=["100", "99.50"],
        min_price=["50"],
        max_price=["300"],
        title=["Bright lantern"],
        description=["Glows."],
        body=["Glows."],
        reason=["Spam."],
        alt=["A lantern"],
        image=[world.picture("blue"), world.picture("red")],
        ids=[[ids["second image"], ids["image"]]],
        options=[COLOURS, [{"name": "Tint", "was": "Colour", "values": ["blue", "green", "red"]}]],
        option_values=[{"Colour": "green"}],
        import_id=[ids["import"]],
        **{"If-Match": ["*"]},
    )
    world.special |= _exceptions(ids)


def _exceptions(ids: dict[str, str]) -> dict[str, Any]:
    variant = f"{PRODUCTS}{{product}}/variants/{{variant_id}}/"
    return {
        f"POST {PRODUCTS}{{product}}/restore/": {"product": ["old-lamp"]},
        f"POST {variant}restore/": {"variant_id": [ids["retired variant"]]},
        f"DELETE {CATEGORIES}{{category_id}}/": {"category_id": [ids["category"], ids["empty category"]]},
        f"POST {IMPORTS}": {"whole body": [FILE]},
        f"PUT {variant}": {
            "product": ["lantern"],
            "variant_id": [ids["second variant"]],
            "whole body": [{"price": "255", "option_values": {"Colour": "green"}}],
        },
        f"POST {PRODUCTS}{{product}}/variants/": {
            "product": ["lantern"],
            "whole body": [{"price": "260", "option_values": {"Colour": "green"}}],
        },
        f"POST {VARIANTS}{{variant_id}}/stock/adjustments/": {
            "reason": ["counted", "received"],
            "whole body": [{"delta": -1, "reason": "lost"}, {"count": 9, "reason": "counted", "note": None}],
        },
    }
