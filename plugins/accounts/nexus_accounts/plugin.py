"""People of a shop: registration, sign-in, roles, profiles."""

from collections.abc import Iterable, Mapping

import click

from nexus_accounts import commands, handlers, models, tasks, views
from nexus_accounts.config import AccountsConfig
from nexus_accounts.guards import VerifiedEmailGuard
from nexus_accounts.permissions import PERMISSIONS
from nexus_accounts.services.api_keys import ApiKeyAuthenticator
from nexus_accounts.services.erasure import AccountData
from nexus_accounts.services.people import People
from nexus_accounts.services.revocation import SignInClaim
from nexus_kernel import (
    Authenticator,
    Blueprint,
    Manifest,
    Model,
    Periodic,
    Permission,
    ServiceFactory,
    Subscription,
    Task,
    hookimpl,
)
from nexus_kernel.contracts.accounts import AccountService
from nexus_kernel.contracts.development import Seed
from nexus_kernel.contracts.orders import CheckoutGuard
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_kernel.contracts.tokens import ClaimsProvider

MANIFEST = Manifest(
    name="accounts",
    summary="People: registration, sign-in, roles, profiles",
    url_prefixes=("/api/auth/", "/api/accounts/"),
    provides=(AccountService,),
    config=AccountsConfig,
    migrations="nexus_accounts.migrations",
)


@hookimpl
def nexus_models() -> Iterable[type[Model]]:
    """The tables."""
    return models.TABLES


@hookimpl
def nexus_blueprints() -> Iterable[Blueprint]:
    """The routes."""
    return [views.blp]


@hookimpl
def nexus_services() -> Mapping[type, ServiceFactory]:
    """Who people are, for other plugins."""
    return {AccountService: People}


@hookimpl
def nexus_tasks() -> Iterable[Task | Periodic]:
    """What workers do."""
    return tasks.TASKS


@hookimpl
def nexus_subscriptions() -> Iterable[Subscription]:
    """What it asks of itself."""
    return handlers.SUBSCRIPTIONS


@hookimpl
def nexus_permissions() -> Iterable[Permission]:
    """Who may do what."""
    return PERMISSIONS


@hookimpl
def nexus_token_claims() -> Iterable[ClaimsProvider]:
    """Access tokens end with the sign-in that they come from."""
    return [SignInClaim()]


@hookimpl
def nexus_authenticators() -> Iterable[Authenticator]:
    """API keys of machine clients."""
    return [ApiKeyAuthenticator()]


@hookimpl
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:
    """What accounts keep of a person."""
    return [AccountData()]


@hookimpl
def nexus_checkout_guards() -> Iterable[CheckoutGuard]:
    """A confirmed address before an order, where the deployment demands it."""
    return [VerifiedEmailGuard()]


@hookimpl
def nexus_commands() -> Iterable[click.Command]:
    """`nexus accounts ...`."""
    return [commands.accounts]


@hookimpl
def nexus_seeds() -> Iterable[Seed]:
    """The people of a trial shop."""
    return [Seed(name="demo accounts", command=("accounts", "demo"))]
