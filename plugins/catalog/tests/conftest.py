"""The catalog alone, without its neighbours."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from io import BytesIO
from typing import Any
from uuid import UUID

import nexus_catalog.plugin
import pytest
from flask import Flask
from flask.testing import FlaskClient
from nexus_catalog.services.categories import create_category
from nexus_catalog.services.editing import create_product
from PIL import Image
from sqlalchemy import text
from sqlalchemy.orm import Session

from nexus_kernel import services, transaction
from nexus_kernel.contracts.catalog import CatalogService, VariantView
from nexus_kernel.media.orphans import sweep
from nexus_kernel.testing import auth_headers


@pytest.fixture(scope="session")
def nexus_plugins():
    return [nexus_catalog.plugin]


@pytest.fixture
def staff(app: Flask) -> dict[str, str]:
    """The header of somebody who may change products."""
    return auth_headers(app, "staff")


@pytest.fixture
def sell(app: Flask) -> Callable[..., VariantView]:
    """Puts a product on sale; its default variant."""

    def sell(title: str = "Lantern", **values: Any) -> VariantView:
        given = {"title": title, "price": "250.00", "stock_quantity": 10, **values}
        with app.app_context(), transaction() as session:
            product_id = create_product(session, given, "ETB")
            return services.get(CatalogService).get_default_variants([product_id])[product_id]

    return sell


@pytest.fixture
def category(app: Flask) -> Callable[..., UUID]:
    """Creates a category; its id."""

    def category(name: str, parent_id: UUID | None = None) -> UUID:
        with app.app_context(), transaction() as session:
            return create_category(session, name, parent_id)

    return category


@pytest.fixture
def titles(client: FlaskClient) -> Callable[[str], list[str]]:
    """The titles on a page of the list of products."""

    def titles(query: str = "") -> list[str]:
        response = client.get(f"/api/catalog/products/?{query}")
        assert response.status_code == 200, response.json
        return [product["title"] for product in response.json["results"]]

    return titles


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """A JPEG of one colour."""

    def picture(colour: str = "red", size: tuple[int, int] = (1600, 800)) -> bytes:
        body = BytesIO()
        Image.new("RGB", size, colour).save(body, "JPEG")
        return body.getvalue()

    return picture


@pytest.fixture
def product(sell) -> str:
    """The address of a product's pictures."""
    return f"/api/catalog/products/{sell().product_id}/images/"


@pytest.fixture
def upload(
    app: Flask, staff: dict[str, str], product: str, picture: Callable[..., bytes]
) -> Callable[..., Any]:
    """Sends a picture of one colour, or these bytes, for `product`."""

    def upload(data: bytes | str = "red", **fields: Any) -> Any:
        body = picture(data, (60, 30)) if isinstance(data, str) else data
        form = {"image": (BytesIO(body), "lantern.jpg"), **fields}
        return app.test_client().post(product, data=form, headers=staff, content_type="multipart/form-data")

    return upload


@pytest.fixture
def listed(client: FlaskClient, product: str) -> Callable[[], list[dict[str, Any]]]:
    """The pictures of `product` in their order."""

    def listed() -> list[dict[str, Any]]:
        return client.get(product).json["results"]

    return listed


@pytest.fixture
def files(app: Flask) -> Callable[[], list[str]]:
    """The keys in the store."""
    return lambda: sorted(app.extensions["nexus"].media.list())


@pytest.fixture
def later(app: Flask) -> Callable[[], None]:
    """Sweeps after the hour that an upload may take."""

    def later() -> None:
        with app.app_context():
            with transaction() as session:
                session.execute(text("UPDATE nexus_media_orphan SET due_at = due_at - interval '61 minutes'"))
            sweep.function()

    return later


@pytest.fixture
def review(app: Flask) -> Callable[..., Any]:
    """POSTs a review of the product with this slug, of five stars by somebody new unless told otherwise."""

    def review(
        product: str = "lantern", rating: Any = 5, *, headers: dict[str, str] | None = None, **fields: Any
    ) -> Any:
        url = f"/api/catalog/products/{product}/reviews/"
        body = {"rating": rating, **fields}
        return app.test_client().post(url, json=body, headers=headers or auth_headers(app))

    return review


@pytest.fixture
def overtaken(app: Flask) -> Callable[..., Any]:
    """Runs `first(session)` in a transaction that is committed only after `second()` was tried beside it.

    Returns what `second` returned, which has had a third of a second to be done before that commit.
    """

    def overtaken(first: Callable[[Session], Any], second: Callable[[], Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            with app.app_context(), transaction() as session:
                first(session)
                running = pool.submit(second)
                wait([running], timeout=0.3)
            return running.result()

    return overtaken
