"""The gift shop's products, for the first run of `nexus up`. No tables, no routes."""

from collections.abc import Iterable
from pathlib import Path

from nexus_kernel import Manifest, hookimpl
from nexus_kernel.contracts.development import Seed

MANIFEST = Manifest(name="gift_shop", summary="The products of a real gift shop, to try a shop out")

PRODUCTS = Path(__file__).with_name("data") / "products.csv"


@hookimpl
def nexus_seeds() -> Iterable[Seed]:
    """The products, through the catalog's import."""
    return [Seed(name="gift shop products", command=("catalog", "import", str(PRODUCTS)), order=10)]
