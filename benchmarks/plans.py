"""The plans of what the catalog reads: `python -m benchmarks.plans` writes `benchmarks/plans/*.txt`.

Of a shop of 100,000 products made by `benchmarks.generate`, or of the one in `DATABASE_URL`. A plan says its
shape, its rows and the pages it touched, no costs and no times, so that two runs give the same text.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event

_UNSTEADY = re.compile(r"\s*(Memory|Buckets|Storage|Sort Method|Full-sort|Heap Blocks|Heap Fetches|Worker)")
FOLDER = Path(__file__).with_name("plans")
LIST = "/api/catalog/products/"
READS = {
    "first-page": LIST,
    "page-numbered-middle": f"{LIST}?page={{middle}}",
    "page-numbered-last": f"{LIST}?page={{last}}",
    "cursor": f"{LIST}?cursor={{cursor}}",
    "by-price": f"{LIST}?sort=price",
    "by-rating": f"{LIST}?sort=-rating",
    "by-title": f"{LIST}?sort=title",
    "category": f"{LIST}?category={{category}}",
    "category-by-price-in-stock": f"{LIST}?category={{category}}&in_stock=1&sort=price",
    "seller": f"{LIST}?seller={{seller}}",
    "price-range-rated": f"{LIST}?min_price=150&max_price=160&min_rating=4",
    "out-of-stock": f"{LIST}?in_stock=0",
    "search-selective": f"{LIST}?q=red+lantern",
    "search-sku": f"{LIST}?q=sku-0001500",
    "search-amharic": f"{LIST}?q=ቀይ+ፋኖስ",
    "search-typing-error": f"{LIST}?q=red+lantren",
    "search-common": f"{LIST}?q=made",
    "search-two-letters": f"{LIST}?q=ma",
    "search-one-letter": f"{LIST}?q=a",
    "search-ten-words": f"{LIST}?q=made+by+hand+in+small+series+a+present+that+people",
    "search-nothing": f"{LIST}?q=qqwxzz+vvkkjj",
    "search-by-price": f"{LIST}?q=made&sort=price",
    "search-in-category": f"{LIST}?q=garden&category={{category}}",
    "detail": f"{LIST}{{slug}}/",
    "facets": "/api/catalog/facets/",
    "facets-category": "/api/catalog/facets/?category={category}&in_stock=1&min_price=20",
    "facets-search": "/api/catalog/facets/?q=garden",
    "facets-search-common": "/api/catalog/facets/?q=made",
    "suggestions": "/api/catalog/suggestions/?q=lant",
    "suggestions-one-letter": "/api/catalog/suggestions/?q=a",
    "suggestions-typing-error": "/api/catalog/suggestions/?q=lantren",
    "reviews": f"{LIST}{{slug}}/reviews/",
}


@dataclass(frozen=True)
class Statement:
    """What was sent to the database."""

    text: str
    parameters: Any


class Reader:
    """Requests to an application in this process, and what they ask of its database."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client = app.test_client()
        self.engine = app.extensions["nexus"].db.base_engine

    def paths(self) -> dict[str, str]:
        """The addresses of `READS` in this shop; without those that it does not have."""
        page = self.client.get(f"{LIST}?page_size=100").json
        deep = next(product for product in page["results"] if product["category"])
        count = self._count()
        values = {
            "middle": max(count // 40, 1),
            "last": max(count // 20, 1),
            "cursor": self._cursor(min(20_000, count // 2)),
            "category": deep["category"]["id"],
            "seller": deep["seller_id"],
            "slug": deep["slug"],
        }
        paths = {name: path.format(**values) for name, path in READS.items()}
        return {name: path for name, path in paths.items() if self.client.get(path).status_code == 200}

    def statements(self, path: str) -> list[Statement]:
        """What a request sends to the database."""
        with self._listening() as found:
            answer = self.client.get(path)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text}")
        return found

    def plan(self, statement: Statement) -> str:
        """Its plan, the second time it runs."""
        for _ in range(2):
            lines = self._explain(statement, "ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF")
        return "\n".join(_steady(lines))

    def milliseconds(self, statement: Statement, runs: int = 5) -> float:
        """What it takes in the database: the median of some runs, without planning, after one to warm up."""
        times = []
        for _ in range(runs + 1):
            last = self._explain(statement, "ANALYZE, TIMING OFF, SUMMARY ON")[-1]
            times.append(float(last.split()[-2]))
        return sorted(times[1:])[runs // 2]

    def _explain(self, statement: Statement, options: str) -> list[str]:
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(f"EXPLAIN ({options}) {statement.text}", statement.parameters)
            return [row[0] for row in rows]

    @contextmanager
    def _listening(self) -> Iterator[list[Statement]]:
        found: list[Statement] = []

        def note(conn: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
            found.append(Statement(statement, parameters))

        event.listen(self.engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            event.remove(self.engine, "before_cursor_execute", note)

    def _count(self) -> int:
        with self.engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM catalog_listing").scalar_one())

    def _cursor(self, place: int) -> str:
        """The cursor of page `place / 20`, taken from a walk of large pages."""
        link = f"{LIST}?page_size=100"
        for _ in range(max(place // 100, 1)):
            link = self.client.get(link).json["next"]
        return link.partition("cursor=")[2].partition("&")[0]


def _steady(lines: list[str]) -> Iterator[str]:
    """Without what differs between two runs: pages in PostgreSQL's memory or out of it, memory, planning."""
    for line in lines:
        if line.startswith("Planning"):
            return
        if _UNSTEADY.match(line):
            continue
        pages = re.match(r"(\s*)Buffers: (.*)", line)
        if pages:
            touched = sum(int(n) for n in re.findall(r"shared .*?(?:hit=(\d+))", line))
            touched += sum(int(n) for n in re.findall(r"shared [^,]*?read=(\d+)", line))
            line = f"{pages[1]}Pages: {touched}"
        yield line


def write(reader: Reader) -> None:
    """Write every plan into its file, and remove files of plans that are no more."""
    FOLDER.mkdir(exist_ok=True)
    paths = reader.paths()
    for name, path in paths.items():
        reader.app.extensions["nexus"].cache.client.flushdb()
        plans = [reader.plan(statement) for statement in reader.statements(path)]
        head = f"-- made by `python -m benchmarks.plans`: the statements of GET {READS[name]}"
        (FOLDER / f"{name}.txt").write_text("\n\n".join([head, *plans]) + "\n", encoding="utf-8")
    for file in FOLDER.glob("*.txt"):
        if file.stem not in paths:
            file.unlink()


def make_app(environ: dict[str, str], *, cache: str = "off") -> Flask:
    """The shop with these engines."""
    from nexus_kernel import create_app

    kernel = {
        "environment": "test",
        "secret_key": "benchmarks" * 4,
        "database_url": environ["DATABASE_URL"],
        "redis_url": environ["REDIS_URL"],
        "log_level": "WARNING",
        "cache": cache,
    }
    return create_app({"kernel": kernel})


def main() -> int:
    """Of the filled shop in `DATABASE_URL` and `REDIS_URL`, or of a new one."""
    from benchmarks.generate import Size, generate
    from benchmarks.shop import engines

    if "DATABASE_URL" in os.environ:
        write(Reader(make_app(dict(os.environ))))
        return 0
    with engines() as environ:
        generate(environ["DATABASE_URL"], Size(100_000, 1_000_000))
        write(Reader(make_app(environ)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
