"""`nexus accounts ...`: what operators do with people."""

import json
import secrets
import sys
from collections.abc import Sequence

import click
from sqlalchemy import select, update

from nexus_accounts.addresses import email_key, normalise_email
from nexus_accounts.errors import EmailTaken
from nexus_accounts.models import User
from nexus_accounts.passwords import MAXIMUM, hash_password, password_faults
from nexus_accounts.services.registration import Registration
from nexus_kernel import ADMIN, MEMBER, current_nexus, now, reading, transaction

DEMO_ROLES = {"admin": [ADMIN], "seller": ["seller"], "buyer": []}
_GRANTABLE = {ADMIN, "seller", "staff"}


@click.group()
def accounts() -> None:
    """People: create, list, demo accounts."""


_email = click.option("--email", required=True, help="The address; it counts as confirmed.")
_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


@accounts.command()
@_email
@click.option("--role", "roles", multiple=True, help="A role to grant: seller, staff, admin ... Repeatable.")
@_password_stdin
def create(email: str, roles: Sequence[str], password_stdin: bool) -> None:
    """Create an account with roles."""
    _create(email, roles, password_stdin)


@accounts.command("create-admin")
@_email
@_password_stdin
def create_admin(email: str, password_stdin: bool) -> None:
    """Create an account that may do everything."""
    _create(email, [ADMIN], password_stdin)


@accounts.command("list")
def list_accounts() -> None:
    """List accounts: address, roles, state."""
    statement = select(User.email, User.roles, User.is_active, User.email_verified_at).order_by(User.id)
    with reading() as session:
        for row in session.execute(statement.where(User.erased_at.is_(None))):
            state = "inactive" if not row.is_active else "" if row.email_verified_at else "unverified"
            click.echo("\t".join((row.email, ",".join(row.roles) or MEMBER, state)).rstrip())


@accounts.command()
def demo() -> None:
    """Create or renew the demo accounts, and print their passwords as JSON."""
    if current_nexus().config.environment == "production":
        raise click.ClickException("demo accounts are not for production")
    made = {name: _demo_account(f"{name}@example.com", roles) for name, roles in DEMO_ROLES.items()}
    click.echo(json.dumps({"accounts": made}))


def _create(email: str, roles: Sequence[str], password_stdin: bool) -> None:
    known = (current_nexus().policy.roles() | _GRANTABLE) - {MEMBER}
    unknown = set(roles) - known
    if unknown:
        raise click.BadParameter(
            f"{', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}", param_hint="--role"
        )
    try:
        lenient = current_nexus().config.environment != "production"
        email = normalise_email(email.strip(), allow_test_domains=lenient)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--email") from None
    password = _read_password(password_stdin)
    faults = password_faults(password, [email])
    if len(password) > MAXIMUM:
        faults.append(f"Must have at most {MAXIMUM} characters.")
    if faults:
        raise click.ClickException("The password: " + " ".join(faults))
    try:
        _insert(email, sorted(set(roles)), password)
    except EmailTaken as error:
        raise click.ClickException(error.detail) from None
    click.echo(f"created {email}")


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _insert(email: str, roles: list[str], password: str) -> None:
    password_hash = hash_password(password)
    with transaction() as session:
        made = Registration(session).insert(
            {"email": email}, password_hash, roles=roles, email_verified_at=now()
        )
    if made is None:
        raise EmailTaken(f"{email} has an account already")


def _demo_account(email: str, roles: list[str]) -> dict[str, str]:
    password = secrets.token_urlsafe(12)
    granted = {"roles": roles, "email_verified_at": now()}
    password_hash = hash_password(password)
    with transaction() as session:
        if Registration(session).insert({"email": email}, password_hash, **granted) is None:
            renewed = {**granted, "password_hash": password_hash, "is_active": True, "erased_at": None}
            renewed["token_version"] = User.token_version + 1
            session.execute(update(User).where(User.email_key == email_key(email)).values(renewed))
    return {"email": email, "password": password}
