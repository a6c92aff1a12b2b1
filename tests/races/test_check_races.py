"""`nexus check races` on the deployment that the command is set up for: every plugin, real settings."""

import sys
from secrets import token_urlsafe

import pytest
from nexus_orders.races import scenarios
from sqlalchemy import text

from nexus_kernel.cli import main
from nexus_kernel.testing.fixtures import SECRET_KEY


@pytest.fixture(scope="session")
def nexus_plugins():
    return ["accounts", "catalog", "cart", "orders", "payments", "payments_chapa", "notifications"]


@pytest.fixture
def check(monkeypatch, capfd, nexus_engines, database_url, nexus_plugins, tmp_path):
    """Runs `nexus check races ...` in this process: exit code and everything printed."""
    values = {
        "DATABASE_URL": database_url,
        "REDIS_URL": nexus_engines.redis_url,
        "NEXUS_KERNEL__PLUGINS": ",".join(nexus_plugins),
        "NEXUS_KERNEL__SECRET_KEY": SECRET_KEY,
        "NEXUS_KERNEL__ENVIRONMENT": "test",
        "NEXUS_KERNEL__MEDIA_STORE": str(tmp_path),
        "COLUMNS": "200",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    def check(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["nexus", "check", "races", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = "".join(capfd.readouterr())
        assert "Traceback" not in printed, printed
        return int(ended.value.code or 0), printed

    return check


def test_every_race_is_run_and_what_it_made_is_gone(check, app, ask):
    code, printed = check("--buyers", "8", "--rounds", "2", "--within", "20000")
    assert code == 0, printed
    for scenario in scenarios.SCENARIOS:
        (line,) = [line for line in printed.splitlines() if f" {scenario.name} " in line]
        assert " 2 " in line and "sound" in line and " 0 " in line
    assert "Left behind" not in printed
    assert "The pool of 10 connections is one of 12 for this run." in printed
    assert ask("SELECT count(*) FROM orders_order WHERE status <> 'cancelled'") == 0
    assert ask("SELECT count(*) FROM orders_order") > 50
    assert ask("SELECT count(*) FROM orders_order WHERE city <> ''") == 0
    assert ask("SELECT count(*) FROM catalog_product WHERE is_active") == 0
    assert ask("SELECT sum(reserved) FROM catalog_stock") == 0
    assert ask("SELECT count(*) FROM cart_cart") == 0


def test_one_race_is_run_and_a_violation_is_exit_code_1(check, monkeypatch, ask):
    from nexus_catalog.services.stock import StockKeeper

    monkeypatch.setattr(StockKeeper, "reserve", lambda self, quantities, reference: ())
    code, printed = check("--only", "last-piece", "--buyers", "3", "--rounds", "1")
    assert code == 1 and "broken" in printed
    assert "last-piece: round 1: orders that buyers were told of: 3, not 1" in printed
    assert "every-piece" not in printed


def test_a_refusal_that_comes_too_late_is_a_violation(check):
    code, printed = check("--only", "last-piece", "--buyers", "3", "--rounds", "1", "--within", "1")
    assert code == 1 and "last-piece: round 1: refused too late: 409 orders.out_of_stock" in printed


def test_a_shop_in_production_is_left_alone_unless_told_otherwise(check, monkeypatch):
    secrets = ("KERNEL__SECRET_KEY", "PAYMENTS_CHAPA__SECRET_KEY", "PAYMENTS_CHAPA__WEBHOOK_SECRETS")
    for name in secrets:
        monkeypatch.setenv(f"NEXUS_{name}", f"CHASECK-{token_urlsafe(48)}")
    monkeypatch.setenv("NEXUS_NOTIFICATIONS__FROM_ADDRESS", "shop@example.com")
    monkeypatch.setenv("NEXUS_KERNEL__PUBLIC_URL", "https://shop.example.com")
    monkeypatch.setenv("NEXUS_KERNEL__ENVIRONMENT", "production")
    code, printed = check("--only", "double-submit", "--buyers", "2", "--rounds", "1")
    assert code == 1 and "Pass --yes-on-production" in printed
    arguments = "--only double-submit --buyers 2 --rounds 1 --within 20000 --yes-on-production"
    code, printed = check(*arguments.split())
    assert code == 0 and "sound" in printed, printed


def test_what_the_checkout_demands_besides_is_given_as_a_body(check):
    arguments = ("--only", "price-change", "--buyers", "2", "--rounds", "1")
    code, printed = check(*arguments, "--body", '{"payment_method": "seashells"}')
    assert code == 1 and "does not take an ordinary order" in printed and "unknown_method" in printed
    assert "Left behind" not in printed
    assert check(*arguments, "--body", "[]")[0] == 2
    assert check(*arguments, "--body", "{")[0] == 2
    assert check("--only", "nonsense")[0] == 2


def test_a_database_without_room_for_the_buyers_is_named(check, monkeypatch):
    from nexus_orders.races import run

    monkeypatch.setattr(run, "_ROOM", text("SELECT 5"))
    code, printed = check("--buyers", "8")
    assert code == 1 and "room for 5 more connections, and 8 buyers need 12" in printed
