"""Importing 100,000 products from CSV on durable engines: seconds and memory; again unchanged; exported."""

import csv
import os
import random
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.shop import NEXUS, engines

PRODUCTS = int(os.environ.get("NEXUS_BENCH_PRODUCTS", "100000"))
CATEGORIES = 400
WORDS = (
    *("red", "blue", "green", "small", "large", "old", "new", "bright", "dark", "wooden", "glass", "clay"),
    *("cotton", "linen", "silver", "copper", "round", "tall", "lantern", "basket", "cup", "plate", "scarf"),
    *("bowl", "lamp", "rug", "chair", "stool", "table", "mirror", "candle", "kettle", "spoon", "jug", "tray"),
)


def run() -> list[tuple[str, str, str]]:
    """One process, embedded PostgreSQL with fsync, on the machine's own cores."""
    with TemporaryDirectory() as folder, engines() as environ:
        file, out = Path(folder, "products.csv"), Path(folder, "out.csv")
        write_products(file, PRODUCTS)
        first = _measured(environ, "catalog", "import", str(file))
        again = _measured(environ, "catalog", "import", str(file))
        dry = _measured(environ, "catalog", "import", str(file), "--dry-run")
        export = _measured(environ, "catalog", "export", str(out))
        size = file.stat().st_size / 1_048_576
    return [
        (f"import of {PRODUCTS:,} products ({size:.0f} MiB)", first, "< 180 s, < 200 MiB"),
        ("the same file again: nothing changes", again, ""),
        ("the same as a dry run", dry, ""),
        ("export of all of them", export, ""),
    ]


def write_products(file: Path, count: int) -> None:
    """A CSV file of so many products, the same every time."""
    chance = random.Random(7)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sku", "title", "description", "category", "price", "stock"])
        for number in range(count):
            title = f"{' '.join(chance.sample(WORDS, 4))} {number}"
            about = " ".join(chance.choices(WORDS, k=40))
            leaf = number % CATEGORIES
            category = f"Home > Room {leaf % 20} > Corner {leaf}"
            writer.writerow(
                [
                    f"B-{number}",
                    title,
                    about,
                    category,
                    f"{chance.randint(100, 99999) / 100:.2f}",
                    number % 50,
                ]
            )


def _measured(environ: dict[str, str], *arguments: str) -> str:
    """How long a command took and how much memory it had at most (resident)."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [NEXUS, *arguments], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"nexus {' '.join(arguments)} ended with {status}")
    return f"{time.perf_counter() - started:.1f} s, {usage.ru_maxrss / 1024:.0f} MiB"
