"""A shop of any size: `python -m benchmarks.generate --products 100000 --reviews 1000000`.

Fills the migrated, empty database of `DATABASE_URL`. The same numbers and seed give the same rows. Titles are
the gift shop's words recombined, every tenth in Amharic; categories are the gift shop's and a level more.
"""

import argparse
import csv
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from uuid import UUID

import psycopg
from sqlalchemy.engine import make_url

from benchmarks.shop import PRODUCTS

END = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 720
BATCH = 10_000
AMHARIC = tuple(
    "ቀይ ሰማያዊ አረንጓዴ ነጭ ጥቁር ትልቅ ትንሽ ፋኖስ ጀበና ሲኒ ሞሰብ ወንበር ጠረጴዛ መጽሐፍ ሻማ ምንጣፍ ሸማ ነጠላ ቦርሳ ጫማ ኮፍያ ሰዓት "  # noqa: SIM905
    "ስዕል መስታወት ብርጭቆ ሳህን ማንኪያ ድስት ከበሮ ክራር ዋሽንት ጽጌረዳ ጸሐይ ሀገር ዓለም ሐር ኃይል የእጅ ሥራ የቤት ዕቃ ባህላዊ ዘመናዊ "
    "ውብ ምርጥ".split()
)
SENTENCES = (
    "Made by hand in small series",
    "A present that people keep",
    "Easy to clean and made to last",
    "Fits into every home",
    "Comes in a box of recycled paper",
    "The colour may differ a little from the picture",
    "Sent from Addis Ababa within two days",
    "Not suitable for children under three years",
    "Take it back within thirty days",
    "Designed together with its makers",
)


@dataclass(frozen=True)
class Size:
    """How much there is to make."""

    products: int
    reviews: int = 0
    sellers: int = 200
    seed: int = 1


class Maker:
    """Draws everything from one random generator, in one order."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self._random = random.Random(size.seed)
        with PRODUCTS.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        titles = [row["title"].split() for row in rows]
        self._first = sorted({word for title in titles for word in title[:-1] if word.isalpha()})
        self._last = sorted({title[-1] for title in titles if title[-1].isalpha()})
        self._paths = sorted({row["category"] for row in rows if row["category"]})
        self._sellers = [self.id(END - timedelta(days=DAYS + 1)) for _ in range(size.sellers)]
        self._categories: list[UUID] = []
        self.products: list[UUID] = []

    def id(self, when: datetime) -> UUID:
        """A UUIDv7 (RFC 9562) of that time."""
        milliseconds = int(when.timestamp() * 1000)
        tail = self._random.getrandbits(74)
        number = milliseconds << 80 | 0x7 << 76 | (tail >> 62) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
        return UUID(int=number)

    def categories(self) -> Iterator[tuple[object, ...]]:
        """Parents before their children."""
        known: dict[str, UUID] = {}
        for path in self._paths:
            leaves = [f"{path} > {series} series" for series in ("Classic", "Modern", "Children", "Festive")]
            for name in (path.partition(" > ")[0], path, *leaves):
                if name not in known:
                    known[name] = self.id(END - timedelta(days=DAYS + 1))
                    label = name.rpartition(" > ")[2]
                    slug = "-".join(name.lower().replace("&", "").replace(">", "").split())
                    yield known[name], known.get(name.rpartition(" > ")[0]), label, slug
        self._categories = list(known.values())

    def offers(self) -> Iterator[tuple[tuple[object, ...], ...]]:
        """A product, its variant and its stock, the oldest first."""
        draw, count = self._random, self.size.products
        weights = [1 / (1 + place) for place in range(len(self._categories))]
        categories = draw.choices(self._categories, weights, k=count)
        for number, category in enumerate(categories, 1):
            when = END - timedelta(days=DAYS) * ((count - number) / count) - timedelta(seconds=draw.random())
            product, variant, title = self.id(when), self.id(when), self._title()
            self.products.append(product)
            about = ". ".join((title, *draw.sample(SENTENCES, 3), " ".join(draw.choices(self._first, k=8))))
            price = round(draw.lognormvariate(9.5, 1.2)) + 50
            pieces = draw.choice((0, 1, 2, 5, 8, 20, 50, 120, 300, 900))
            yield (
                (product, title, f"p{number}", about, category, draw.choice(self._sellers), when, when),
                (variant, product, f"SKU-{number:07}", price, "ETB", True, when, when),
                (variant, pieces, 0),
                (variant, pieces, 0, "initial") if pieces else (),
            )

    def _title(self) -> str:
        draw = self._random
        if draw.random() < 0.1:
            return " ".join(draw.sample(AMHARIC, 3))
        return " ".join((*draw.choices(self._first, k=draw.randint(1, 4)), draw.choice(self._last)))

    def reviews(self) -> Iterator[tuple[object, ...]]:
        """One of each person and product; the oldest products have most of them."""
        draw = self._random
        weights = [1 / (1 + place) ** 0.6 for place in range(len(self.products))]
        for product, number in Counter(draw.choices(self.products, weights, k=self.size.reviews)).items():
            for _ in range(number):
                when = END - timedelta(days=DAYS * draw.random())
                rating = draw.choices((1, 2, 3, 4, 5), (4, 5, 12, 34, 45))[0]
                body = ". ".join(draw.choices(SENTENCES, k=2))
                verified = draw.random() < 0.4
                yield (
                    self.id(when), product, self.id(when), "Abeba", rating, draw.choice(SENTENCES), body,
                    verified, "published", when, when,
                )  # fmt: skip


def generate(url: str, size: Size) -> dict[str, float]:
    """Fill the tables by COPY; the seconds that each part took."""
    maker, seconds = Maker(size), {}
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(dsn, options="-c statement_timeout=0") as connection:
        for name, fill in (("products", _products), ("reviews", _reviews)):
            start = time.perf_counter()
            fill(connection, maker)
            connection.commit()
            seconds[name] = time.perf_counter() - start
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")
    return seconds


def _products(connection: psycopg.Connection, maker: Maker) -> None:
    _copy(connection, "catalog_category (id, parent_id, name, slug)", maker.categories())
    offers = maker.offers()
    while batch := list(islice(offers, BATCH)):
        products, variants, stocks, movements = zip(*batch, strict=True)
        columns = "id, title, slug, description, category_id, seller_id, created_at, updated_at"
        _copy(connection, f"catalog_product ({columns})", products)
        columns = "id, product_id, sku, price_minor, currency, is_default, created_at, updated_at"
        _copy(connection, f"catalog_variant ({columns})", variants)
        _copy(connection, "catalog_stock (variant_id, on_hand, reserved)", stocks)
        columns = "variant_id, delta_on_hand, delta_reserved, reason"
        _copy(connection, f"catalog_stock_movement ({columns})", filter(None, movements))
        connection.commit()


def _reviews(connection: psycopg.Connection, maker: Maker) -> None:
    """All at once, and their sums afterwards: the triggers count one review at a time."""
    has = connection.execute("SELECT to_regclass('catalog_review')").fetchone()
    if not maker.size.reviews or not has or has[0] is None:
        return
    connection.execute("ALTER TABLE catalog_review DISABLE TRIGGER USER")
    columns = (
        "id, product_id, author_id, author_name, rating, title, body, is_verified_purchase, state, "
        "created_at, updated_at"
    )
    _copy(connection, f"catalog_review ({columns})", maker.reviews())
    connection.execute("ALTER TABLE catalog_review ENABLE TRIGGER USER")
    stars = ", ".join(f"cardinality(array_positions(sums.ratings, {star}::smallint))" for star in range(1, 6))
    connection.execute(
        "UPDATE catalog_product SET rating_count = sums.number, rating_sum = sums.total, "
        f"rating_stars = ARRAY[{stars}] FROM ("
        "SELECT product_id, array_agg(rating) AS ratings, count(*) AS number, sum(rating) AS total "
        "FROM catalog_review GROUP BY product_id) AS sums WHERE id = sums.product_id"
    )


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def main() -> int:
    """Fill the shop in `DATABASE_URL`; exit code 2 without one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate")
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--reviews", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        parser.error("DATABASE_URL names the database to fill")
    took = generate(os.environ["DATABASE_URL"], Size(given.products, given.reviews, seed=given.seed))
    print(", ".join(f"{what} in {seconds:.1f} s" for what, seconds in took.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
