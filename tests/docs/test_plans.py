"""The kept plans of what the catalog reads over 100,000 products."""

from pathlib import Path

PLANS = Path(__file__).parents[2] / "benchmarks/plans"


def test_no_kept_plan_reads_all_products():
    plans = {file.stem: file.read_text(encoding="utf-8") for file in PLANS.glob("*.txt")}
    assert {"first-page", "cursor", "search-common", "facets", "suggestions"} <= plans.keys()
    for name, plan in plans.items():
        assert plan.startswith("-- made by `python -m benchmarks.plans`"), name
        assert "Scan" in plan and "Seq Scan on catalog_product " not in plan, name
