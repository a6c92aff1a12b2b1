"""Every hook. This is the one page that a plugin author reads.

Hooks **declare**: each is called once, while the application starts, and returns objects that the kernel can
list, check and own. None of them runs inside a request. Implement a hook as a function of the same name in
`plugin.py`, decorated with `nexus_kernel.hookimpl`; leave out those that you do not need.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import click
import pluggy
from flask import Flask

from nexus_kernel.actors import Permission
from nexus_kernel.api import Blueprint
from nexus_kernel.authenticators import Authenticator
from nexus_kernel.contracts.development import DevService, Seed
from nexus_kernel.contracts.notifications import Channel
from nexus_kernel.contracts.orders import CheckoutGuard, OrderExtension, PriceRule
from nexus_kernel.contracts.payments import PayableSource, PaymentProvider
from nexus_kernel.contracts.privacy import DataSubjectHandler
from nexus_kernel.contracts.tokens import ClaimsProvider
from nexus_kernel.db import Model
from nexus_kernel.events import Subscription
from nexus_kernel.health import HealthCheck
from nexus_kernel.services import ServiceFactory
from nexus_kernel.tasks import Periodic, Task

PROJECT = "nexus"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def nexus_models() -> Iterable[type[Model]]:  # type: ignore[empty-body]
    """Called at the start; return the plugin's tables, whose names begin with the plugin's name.

    Example: `return [Product, Category]`

    versionadded: 0.1
    """


@hookspec
def nexus_blueprints() -> Iterable[Blueprint]:  # type: ignore[empty-body]
    """Called at the start; return the plugin's routes, each under one of the manifest's `url_prefixes`.

    Example: `return [blp]`

    versionadded: 0.1
    """


@hookspec
def nexus_tasks() -> Iterable[Task | Periodic]:  # type: ignore[empty-body]
    """Called at the start; return what workers run, and what the beat sends on a schedule.

    Example: `return [send_mail, Periodic(send_due, seconds=5)]`

    versionadded: 0.1
    """


@hookspec
def nexus_services() -> Mapping[type, ServiceFactory]:  # type: ignore[empty-body]
    """Called at the start; return an implementation for each contract in the manifest's `provides`.

    Example: `return {CatalogService: Catalog}`; `Catalog(session)` is made for each unit of work.

    versionadded: 0.1
    """


@hookspec
def nexus_subscriptions() -> Iterable[Subscription]:  # type: ignore[empty-body]
    """Called at the start; return which events are handled by what, under a stable name.

    Example: `return [Subscription(OrderPlaced, send_receipt, "notifications.order_placed")]`

    versionadded: 0.1
    """


@hookspec
def nexus_permissions() -> Iterable[Permission]:  # type: ignore[empty-body]
    """Called at the start; return the permissions that the plugin's routes require.

    Example: `return [Permission("catalog.product.write", "Change products", roles=("staff",))]`

    versionadded: 0.1
    """


@hookspec
def nexus_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Called by the command line; return one command or group, which has the plugin's name.

    Example: `return [catalog]` gives `nexus catalog ...`, run inside an application context.

    versionadded: 0.1
    """


@hookspec
def nexus_health_checks() -> Iterable[HealthCheck]:  # type: ignore[empty-body]
    """Called at the start; return the questions that `/readyz` asks.

    Example: `return [HealthCheck("notifications.dead_mails", dead_mails)]`

    versionadded: 0.1
    """


@hookspec
def nexus_payment_providers(config: Any) -> Iterable[PaymentProvider]:  # type: ignore[empty-body]
    """Called at the start with the plugin's own configuration; return the gateways that it translates.

    Example: `return [ChapaProvider(config)]`

    versionadded: 0.1
    """


@hookspec
def nexus_payables() -> Iterable[PayableSource]:  # type: ignore[empty-body]
    """Called at the start; return what can be paid for.

    Example: `return [OrderPayables()]`, whose `kind` is `order`.

    versionadded: 0.1
    """


@hookspec
def nexus_price_rules() -> Iterable[PriceRule]:  # type: ignore[empty-body]
    """Called at the start; return rules that add a discount, shipping or tax to a checkout.

    Example: `return [FlatShipping()]`

    versionadded: 0.1
    """


@hookspec
def nexus_checkout_guards() -> Iterable[CheckoutGuard]:  # type: ignore[empty-body]
    """Called at the start; return guards that may refuse a checkout for a business reason.

    Example: `return [VerifiedEmailGuard()]`

    versionadded: 0.1
    """


@hookspec
def nexus_order_extensions() -> Iterable[OrderExtension]:  # type: ignore[empty-body]
    """Called at the start; return what the plugin adds to the body, the transaction and the answer of orders.

    Example: `return [GiftWrapping()]`, whose `name` is the plugin's.

    versionadded: 0.1
    """


@hookspec
def nexus_checks() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Called by `nexus check`; return proofs that an integrator can run on a deployment, named as you like.

    Example: `return [races]` gives `nexus check races`, run inside an application context.

    versionadded: 0.1
    """


@hookspec
def nexus_notification_channels() -> Iterable[Channel]:  # type: ignore[empty-body]
    """Called at the start; return ways to reach a person.

    Example: `return [EmailChannel()]`

    versionadded: 0.1
    """


@hookspec
def nexus_token_claims() -> Iterable[ClaimsProvider]:  # type: ignore[empty-body]
    """Called at the start; return who adds a claim to access tokens and says whether it still holds.

    Example: `return [SignInClaim()]`, without which a token is good until it expires, whatever happens.

    versionadded: 0.1
    """


@hookspec
def nexus_authenticators() -> Iterable[Authenticator]:  # type: ignore[empty-body]
    """Called at the start; return further ways to say in the `Authorization` header who sends a request.

    Example: `return [ApiKeys()]`, whose `scheme` is `ApiKey`.

    versionadded: 0.1
    """


@hookspec
def nexus_data_subjects() -> Iterable[DataSubjectHandler]:  # type: ignore[empty-body]
    """Called at the start; return what exports and erases the plugin's data of a person.

    Example: `return [OrdersOfPerson()]`, whose `name` is `orders`.

    versionadded: 0.1
    """


@hookspec
def nexus_dev_services() -> Iterable[DevService]:  # type: ignore[empty-body]
    """Called by `nexus up`; return processes that run beside the shop on a developer's machine.

    Example: `return [DevService(name="chapa", module="nexus_chapa_sim", arguments=("--port", "{port}"))]`

    versionadded: 0.1
    """


@hookspec
def nexus_seeds() -> Iterable[Seed]:  # type: ignore[empty-body]
    """Called by `nexus up`; return commands that fill an empty shop on the first run.

    Example: `return [Seed(name="gift shop", command=("catalog", "import", path))]`

    versionadded: 0.1
    """


@hookspec
def nexus_init_app(app: Flask) -> None:
    """Called once before the routes are registered; an escape hatch for Flask extensions, not for routes.

    Example: `CORS(app)`

    versionadded: 0.1
    """


@hookspec
def nexus_app_ready(app: Flask) -> None:
    """Called once after everything is registered, checked and frozen; an escape hatch for reports.

    Example: `log.info("%d routes", len(list(app.url_map.iter_rules())))`

    versionadded: 0.1
    """
