"""`nexus accounts ...`: what operators do with people."""

import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO
from uuid import UUID

import click
import orjson
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from nexus_accounts.addresses import email_key, normalise_email
from nexus_accounts.errors import EmailTaken
from nexus_accounts.models import Act, User
from nexus_accounts.passwords import MAXIMUM, hash_password, password_faults
from nexus_accounts.services.administration import Administration, known_roles
from nexus_accounts.services.audit import audit
from nexus_accounts.services.erasure import Erasure
from nexus_accounts.services.export import export_person
from nexus_accounts.services.registration import Registration
from nexus_kernel import ADMIN, MEMBER, NexusError, NotFound, current_nexus, now, reading, transaction

DEMO_ROLES = {"admin": [ADMIN], "seller": ["seller"], "buyer": []}


@click.group()
def accounts() -> None:
    """People: create, list, roles, sign-ins, export, erase."""


_email = click.option("--email", required=True, help="The address; it counts as confirmed.")
_password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


_who = click.argument("who", metavar="ADDRESS_OR_ID")
_role = click.argument("role")


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
@_who
@_role
def grant(who: str, role: str) -> None:
    """Give a role. It ends the person's sign-ins."""
    with _administered(who) as (administration, user_id):
        administration.grant(user_id, role)
    click.echo(f"{who} has the role {role}")


@accounts.command()
@_who
@_role
def revoke(who: str, role: str) -> None:
    """Take a role away. It ends the person's sign-ins. The last admin stays one."""
    with _administered(who) as (administration, user_id):
        administration.take_away(user_id, role)
    click.echo(f"{who} has the role {role} no more")


@accounts.command("revoke-sessions")
@_who
def revoke_sessions(who: str) -> None:
    """End every sign-in of a person."""
    with _administered(who) as (administration, user_id):
        administration.revoke_sessions(user_id)
    click.echo(f"{who} has to sign in again everywhere")


@accounts.command()
@_who
@click.option(
    "--output", type=click.File("wb", atomic=True), default="-", help="A file; else standard output."
)
def export(who: str, output: BinaryIO) -> None:
    """Write everything that the shop keeps of a person, as JSON."""
    with _sentences(), reading() as session:
        document = export_person(_find(session, who))
    output.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


@accounts.command()
@_who
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(who: str, yes: bool) -> None:
    """Erase a person for good. Orders and payments stay, without the person."""
    with _sentences(), reading() as session:
        user_id = _find(session, who)
    if not yes:
        click.confirm(f"Erase {who} ({user_id}) for good?", abort=True)
    with _sentences(), transaction() as session:
        Erasure(session, None).erase(user_id)
    click.echo(f"erased {user_id}; workers erase what the other plugins keep")


@accounts.command()
def demo() -> None:
    """Create or renew the demo accounts, and print their passwords as JSON."""
    if current_nexus().config.environment == "production":
        raise click.ClickException("demo accounts are not for production")
    made = {name: _demo_account(f"{name}@example.com", roles) for name, roles in DEMO_ROLES.items()}
    click.echo(json.dumps({"accounts": made}))


@contextmanager
def _sentences() -> Iterator[None]:
    """A refusal is a sentence and exit code 1."""
    try:
        yield
    except NexusError as error:
        raise click.ClickException(error.detail or error.title) from None


@contextmanager
def _administered(who: str) -> Iterator[tuple[Administration, UUID]]:
    """The operator's administration in a transaction, and the person whom it is about."""
    with _sentences(), transaction() as session:
        yield Administration(session, None), _find(session, who)


def _find(session: Session, who: str) -> UUID:
    """The id of the person with this address or id. Raises NotFound."""
    try:
        wanted = User.id == UUID(who)
    except ValueError:
        wanted = User.email_key == email_key(who)
    found = session.scalar(select(User.id).where(wanted, User.erased_at.is_(None)))
    if found is None:
        raise NotFound(f"nobody here is {who}; `nexus accounts list` shows who is")
    return found


def _create(email: str, roles: Sequence[str], password_stdin: bool) -> None:
    known = known_roles()
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
        if made is not None:
            audit(session, Act.REGISTERED, made, roles=",".join(roles))
    if made is None:
        raise EmailTaken(f"{email} has an account already; `nexus accounts grant` gives it roles")


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
